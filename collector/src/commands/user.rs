//! `user`: who may sign in to the board.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use wire::Language;

use super::password;
use super::{CommandError, local};
use crate::audit::{Act, Actor};
use crate::config::Config;
use crate::store::audit::Deed;
use crate::store::{self, audit, users};
use crate::users::{LONGEST, Password, Role, SALT_BYTES, SHORTEST, UserName, Weakness};
use crate::{StartError, now};

/// What is asked of the users.
#[derive(Debug, Clone)]
pub enum UserWish {
    /// To add one.
    Add(UserName, Role),
    /// To list all.
    List,
    /// To give one another role.
    Role(UserName, Role),
    /// To give one another password.
    Password(UserName),
    /// To remove one.
    Remove(UserName),
}

/// Does it; what it says is for the terminal. Running collectors notice with the next request.
pub fn user(
    config: &Config,
    wish: &UserWish,
    password_file: Option<&Path>,
    language: Language,
) -> Result<String, CommandError> {
    let connection = store::open(&config.state_dir).map_err(StartError::Store)?;
    let actor = actor();
    match wish {
        UserWish::Add(name, role) => {
            // Before the password is typed twice for nothing.
            if users::is_known(&connection, name)? {
                return Err(CommandError::UserExists(name.clone()));
            }
            let password = strong(password_file, name, language)?;
            add(&connection, &actor, name, *role, &password)?;
            Ok(added(name, *role, language))
        }
        UserWish::List => Ok(list(&users::all(&connection)?, language)),
        UserWish::Role(name, role) => {
            let transaction = store::begin(&connection)?;
            let before = users::role(&transaction, name)?.map(Role::label);
            if !users::set_role(&transaction, name, *role)? {
                return Err(CommandError::NoSuchUser(name.clone()));
            }
            let (act, after) = (Act::UserRole, Some(role.label()));
            audit::add(
                &transaction,
                &actor,
                Deed { act, subject: name.as_str(), before, after },
                now(),
            )?;
            transaction.commit()?;
            Ok(language.pick(
                format!("Quyền của {name} từ nay là {}.\n", role.label()),
                format!("The role of {name} is {} from now on.\n", role.label()),
            ))
        }
        UserWish::Password(name) => {
            if !users::is_known(&connection, name)? {
                return Err(CommandError::NoSuchUser(name.clone()));
            }
            let password = strong(password_file, name, language)?;
            set_password(&connection, &actor, name, &password)?;
            Ok(language.pick(
                format!("Đã đổi mật khẩu của {name}; mọi nơi đang đăng nhập bằng tên này đã bị đăng xuất.\n"),
                format!("{name} has a new password; whoever was signed in under this name no longer is.\n"),
            ))
        }
        UserWish::Remove(name) => {
            remove(&connection, &actor, name)?;
            Ok(language.pick(
                format!("Đã xóa người dùng {name}; mọi nơi đang đăng nhập bằng tên này đã bị đăng xuất.\n"),
                format!("User {name} is removed and signed out everywhere.\n"),
            ))
        }
    }
}

/// Whoever types, by the name under which the system knows them. Who could lie with `SUDO_USER` can
/// write the store by hand too.
pub(super) fn actor() -> Actor {
    let own = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    let who = std::env::var("SUDO_USER").ok().or_else(|| Some(own()?.name));
    let who = who.unwrap_or_else(|| nix::unistd::getuid().to_string());
    Actor { who: format!("{who} ($)"), address: None }
}

fn strong(
    file: Option<&Path>,
    name: &UserName,
    language: Language,
) -> Result<Password, CommandError> {
    let password = password::read(file, language)?;
    match password.weakness(name) {
        Some(weakness) => Err(CommandError::WeakPassword(weakness)),
        None => Ok(password),
    }
}

fn hashed(password: &Password) -> Result<String, CommandError> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)?;
    password.hash(salt).map_err(|error| CommandError::Hash(error.to_string()))
}

fn add(
    connection: &Connection,
    actor: &Actor,
    name: &UserName,
    role: Role,
    password: &Password,
) -> Result<(), CommandError> {
    let hash = hashed(password)?;
    let transaction = store::begin(connection)?;
    if !users::add(&transaction, name, role, &hash, now())? {
        return Err(CommandError::UserExists(name.clone()));
    }
    let after = Some(role.label());
    let deed = Deed { act: Act::UserAdded, subject: name.as_str(), before: None, after };
    audit::add(&transaction, actor, deed, now())?;
    Ok(transaction.commit()?)
}

fn set_password(
    connection: &Connection,
    actor: &Actor,
    name: &UserName,
    password: &Password,
) -> Result<(), CommandError> {
    let hash = hashed(password)?;
    let transaction = store::begin(connection)?;
    if !users::set_password(&transaction, name, &hash, now())? {
        return Err(CommandError::NoSuchUser(name.clone()));
    }
    let deed = Deed { act: Act::UserPassword, subject: name.as_str(), before: None, after: None };
    audit::add(&transaction, actor, deed, now())?;
    Ok(transaction.commit()?)
}

fn remove(connection: &Connection, actor: &Actor, name: &UserName) -> Result<(), CommandError> {
    let transaction = store::begin(connection)?;
    let before = users::role(&transaction, name)?.map(Role::label);
    if !users::remove(&transaction, name)? {
        return Err(CommandError::NoSuchUser(name.clone()));
    }
    let deed = Deed { act: Act::UserRemoved, subject: name.as_str(), before, after: None };
    audit::add(&transaction, actor, deed, now())?;
    Ok(transaction.commit()?)
}

fn added(name: &UserName, role: Role, language: Language) -> String {
    let may = match role {
        Role::View => language.pick("xem", "look"),
        Role::Operate => language.pick("xem và thao tác", "look and act"),
    };
    language.pick(
        format!("Đã thêm người dùng {name}, được {may}. Đăng nhập trên trang điểm danh.\n"),
        format!("User {name} may {may} from now on, by signing in to the board.\n"),
    )
}

fn list(users: &[users::User], language: Language) -> String {
    if users.is_empty() {
        return language.pick(
            "Chưa có người dùng nào; thêm bằng: nhipcau-collector user add TÊN --role operate\n"
                .to_owned(),
            "There are no users; add one with: nhipcau-collector user add NAME --role operate\n"
                .to_owned(),
        );
    }
    let never = language.pick("chưa đăng nhập", "not signed in yet");
    let (password, seen) =
        language.pick(("mật khẩu từ", "đăng nhập lần cuối"), ("password since", "last signed in"));
    let mut text = String::new();
    for user in users {
        let role = user.role.map_or("?", Role::label);
        let seen = user
            .signed_in_at
            .map_or_else(|| never.to_owned(), |at| format!("{seen} {}", local(at)));
        let since = local(user.password_at);
        // Writing to a String does not fail.
        let _ = writeln!(text, "{:24} {role:8} {password} {since}, {seen}", user.name);
    }
    text
}

/// For whoever chose the password.
pub(super) fn told(weakness: Weakness, language: Language) -> String {
    match weakness {
        Weakness::Short => language.pick(
            format!("mật khẩu cần ít nhất {SHORTEST} ký tự; vài từ ghép lại là dễ nhớ nhất"),
            format!("a password needs at least {SHORTEST} characters; a few words are easiest to remember"),
        ),
        Weakness::Long => language.pick(
            format!("mật khẩu có nhiều nhất {LONGEST} ký tự"),
            format!("a password has at most {LONGEST} characters"),
        ),
        Weakness::Name => language.pick(
            "mật khẩu không được chứa tên người dùng".to_owned(),
            "the user's name must not be in the password".to_owned(),
        ),
        Weakness::Same => language.pick(
            "mật khẩu lặp lại quá ít ký tự khác nhau".to_owned(),
            "the password repeats too few different characters".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_added_changed_and_removed_and_each_time_that_is_written_down() {
        let directory = tempfile::tempdir().unwrap();
        let store = store::open(directory.path()).unwrap();
        let (lan, actor) = ("lan".parse().unwrap(), actor());
        let password = Password::new("correct horse battery");
        add(&store, &actor, &lan, Role::View, &password).unwrap();
        let taken = add(&store, &actor, &lan, Role::Operate, &password);
        assert!(matches!(taken, Err(CommandError::UserExists(_))));
        let hash = users::password(&store, &lan).unwrap().unwrap();
        assert!(password.is(Some(&hash)));
        set_password(&store, &actor, &lan, &Password::new("another horse battery")).unwrap();
        assert!(!password.is(users::password(&store, &lan).unwrap().as_deref()));
        let told = list(&users::all(&store).unwrap(), Language::En);
        assert!(told.contains("lan ") && told.contains("view") && told.contains("not signed in"));
        remove(&store, &actor, &lan).unwrap();
        assert!(matches!(remove(&store, &actor, &lan), Err(CommandError::NoSuchUser(_))));
        assert!(list(&[], Language::Vi).contains("user add"));
        let log: Vec<_> = audit::since(&store, 0).unwrap();
        let acts: Vec<_> = log.iter().map(|entry| entry.act.as_str()).collect();
        assert_eq!(acts, ["user_add", "user_password", "user_remove"]);
        assert!(log.iter().all(|entry| entry.who.ends_with(" ($)") && entry.subject == "lan"));
        assert!(!format!("{log:?}").contains("argon2"), "hashes stay where they are");
    }
}
