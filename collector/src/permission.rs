//! Who may do what. Pure.
//!
//! Reading is open to everybody on a loopback address without a token, and else to whoever has a
//! token or has signed in. An act always has a name: it takes the role `operate`, by signing in or
//! by the token of `operations.operate_token_file`, also on loopback. So it is for the board and for
//! `/api` alike.

use crate::users::{Role, UserName};

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// To read.
    View,
    /// To read what only those see who act.
    Oversee,
    /// To change something.
    Act,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Somebody without a credential, or with a wrong one.
    Nobody,
    /// Somebody without a credential where reading is open.
    Neighbour,
    /// A program with a token.
    Program(Role),
    /// Somebody who has signed in.
    Person {
        /// Who.
        name: UserName,
        /// What this user may do.
        role: Role,
        /// Whether the collector's own page asks: a cookie alone is sent by any page's request.
        own_page: bool,
    },
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Who it is must be known first (401).
    SignIn,
    /// It takes the role `operate` (403).
    Role,
    /// Another page may have sent it in the user's name (403).
    Forged,
}

impl Need {
    /// What a request of this kind needs where reading needs `View`.
    #[must_use]
    pub fn of(method: &hyper::Method) -> Self {
        if method.is_safe() { Self::View } else { Self::Act }
    }
}

/// Whether the caller may.
pub fn permit(need: Need, caller: &Caller) -> Result<(), Refusal> {
    match (need, caller) {
        (_, Caller::Nobody) | (Need::Oversee | Need::Act, Caller::Neighbour) => {
            Err(Refusal::SignIn)
        }
        (Need::View, _) => Ok(()),
        (_, Caller::Program(Role::View) | Caller::Person { role: Role::View, .. }) => {
            Err(Refusal::Role)
        }
        (Need::Act, Caller::Person { own_page: false, .. }) => Err(Refusal::Forged),
        _ => Ok(()),
    }
}

impl Caller {
    /// Who acts, for the log; none where nobody can have acted.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Nobody | Self::Neighbour => "",
            Self::Program(_) => "(token)",
            Self::Person { name, .. } => name.as_str(),
        }
    }

    /// What the caller may do; none who may not even look.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Nobody => None,
            Self::Neighbour => Some(Role::View),
            Self::Program(role) | Self::Person { role, .. } => Some(*role),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_may_be_open_but_an_act_always_has_a_name() {
        let person =
            |role, own_page| Caller::Person { name: "lan".parse().unwrap(), role, own_page };
        let (ok, sign_in) = (Ok(()), Err(Refusal::SignIn));
        let (role, forged) = (Err(Refusal::Role), Err(Refusal::Forged));
        for (caller, view, oversee, act) in [
            (Caller::Nobody, sign_in, sign_in, sign_in),
            (Caller::Neighbour, ok, sign_in, sign_in),
            (Caller::Program(Role::View), ok, role, role),
            (Caller::Program(Role::Operate), ok, ok, ok),
            (person(Role::View, false), ok, role, role),
            (person(Role::View, true), ok, role, role),
            (person(Role::Operate, false), ok, ok, forged),
            (person(Role::Operate, true), ok, ok, ok),
        ] {
            let said = [Need::View, Need::Oversee, Need::Act].map(|need| permit(need, &caller));
            assert_eq!(said, [view, oversee, act], "{caller:?}");
        }
    }

    #[test]
    fn every_method_that_may_change_something_is_an_act() {
        for (method, need) in [
            ("GET", Need::View),
            ("HEAD", Need::View),
            ("POST", Need::Act),
            ("PUT", Need::Act),
            ("DELETE", Need::Act),
            ("PATCH", Need::Act),
            ("MADE-UP", Need::Act),
        ] {
            assert_eq!(Need::of(&method.parse().unwrap()), need, "{method}");
        }
    }
}
