//! Arguments, configuration, logging, exit code: nothing else.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use collector::commands::{self, CommandError, Invitation, Since, Subject, UserWish, Which};
use collector::config::{self, Config};
use collector::report::{Format, Month};
use collector::users::{Role, UserName};
use collector::{Collector, Listeners, StartError, resident};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use wire::duration::Span;
use wire::{Language, SiteId};

/// Exit codes of `sysexits.h`, beyond 0 and 1.
const USAGE: u8 = 64;
const CONFIGURATION: u8 = 78;

/// Threads that answer. Ten thousand sites need one; with a second, agents that all come back at
/// once are not kept waiting. More would only wake each other up and hold memory.
const WORKERS: usize = 2;

/// A code on paper that opens a door for more than a year is a door left open.
const LONGEST_LIFE: Duration = Duration::from_hours(366 * 24);

/// Takes the reports of conference bridges and shows their state to Prometheus.
#[derive(Debug, Parser)]
#[command(name = "nhipcau-collector", version, disable_help_subcommand = true)]
struct Arguments {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = config::DEFAULT_FILE)]
    config: PathBuf,
    /// Language of what people read: vi or en [default: the configuration's, else the system's]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Collect until stopped (SIGTERM or Ctrl-C); SIGHUP reads the inventory again
    Run,
    /// Check configuration, inventory and certificates, and change nothing
    Check,
    /// Make enrolment codes, each for one PC, to be typed there after: nhipcau-agent enroll
    Enroll(Enroll),
    /// Fill a directory with what technicians carry to the sites: codes, instructions, installers
    Bundle(Bundle),
    /// List the PCs that used the fleet's code and wait to be matched to their sites
    Waiting,
    /// Make a waiting PC a site
    Assign(Assign),
    /// Take a site's credential away
    Revoke {
        /// The site's id in the inventory
        #[arg(long, value_name = "ID")]
        site: SiteId,
    },
    /// Report a meeting's roll calls, or a month by areas
    Report(Report),
    /// Who may sign in to the board: add, list, change or remove users
    #[command(subcommand, disable_help_subcommand = true)]
    User(User),
    /// New versions of the agents: make a key, sign, offer, stop, look
    #[command(subcommand, disable_help_subcommand = true)]
    Update(Update),
    /// Who did what on the board and through the API
    Audit {
        /// From when on, as in 7d, 12h or 2026-11-23 [default: from the beginning]
        #[arg(long, value_name = "TIME")]
        since: Option<Since>,
        /// As CSV that Excel opens (UTF-8, columns parted by ';')
        #[arg(long)]
        csv: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Update {
    /// Make the key that updates are signed with; needs no collector and is best done away from it
    Key {
        /// The file to make, readable for its owner alone
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Sign programs: a manifest, FILE.update, goes beside each; needs no collector either
    Sign {
        /// The private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Also for agents that run a higher version: to go back
        #[arg(long)]
        downgrade: bool,
        /// nhipcau-agent, nhipcau-agent.exe
        #[arg(value_name = "FILE", required = true)]
        programs: Vec<PathBuf>,
    },
    /// Offer signed programs of one version to the sites, a few first
    Offer {
        /// Programs with their manifests beside them
        #[arg(value_name = "FILE", required = true)]
        programs: Vec<PathBuf>,
    },
    /// Say what is given out and how far it has come
    Status,
    /// Stop giving it out; where it runs it stays
    Stop,
}

impl Update {
    /// What is done without a collector: its configuration may not even be on this PC.
    fn elsewhere(&self, language: Language) -> Option<Result<String, CommandError>> {
        match self {
            Self::Key { output } => Some(commands::update_key(output, language)),
            Self::Sign { key, downgrade, programs } => {
                Some(commands::update_sign(key, (programs, *downgrade), language))
            }
            Self::Offer { .. } | Self::Status | Self::Stop => None,
        }
    }

    fn here(&self, config: &Config, language: Language) -> Result<String, CommandError> {
        match self {
            Self::Offer { programs } => commands::update_offer(config, programs, language),
            Self::Stop => commands::update_stop(config, language),
            Self::Status | Self::Key { .. } | Self::Sign { .. } => {
                commands::update_status(config, language)
            }
        }
    }
}

#[derive(Debug, Subcommand)]
enum User {
    /// Add a user; the password is typed, or read from standard input
    Add {
        /// Under which to sign in
        name: UserName,
        /// view: look at everything; operate: also excuse, acknowledge and change meetings
        #[arg(long)]
        role: Role,
        #[command(flatten)]
        password: PasswordFile,
    },
    /// List all users
    List,
    /// Give a user another role, in force at once
    Role {
        /// Whom
        name: UserName,
        /// view or operate
        role: Role,
    },
    /// Give a user another password and sign the user out everywhere
    Password {
        /// Whom
        name: UserName,
        #[command(flatten)]
        password: PasswordFile,
    },
    /// Remove a user, and sign the user out everywhere
    Remove {
        /// Whom
        name: UserName,
    },
}

#[derive(Debug, Args)]
struct PasswordFile {
    /// The file whose first line is the password [default: typed on the terminal, else standard input]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl User {
    fn wish(self) -> (UserWish, Option<PathBuf>) {
        match self {
            Self::Add { name, role, password } => {
                (UserWish::Add(name, role), password.password_file)
            }
            Self::List => (UserWish::List, None),
            Self::Role { name, role } => (UserWish::Role(name, role), None),
            Self::Password { name, password } => (UserWish::Password(name), password.password_file),
            Self::Remove { name } => (UserWish::Remove(name), None),
        }
    }
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("subject").required(true))]
struct Report {
    /// One meeting by its id, as in giao-ban-tuan@2026-11-23T07:30
    #[arg(long, value_name = "ID", group = "subject")]
    meeting: Option<String>,
    /// All meetings of a month
    #[arg(long, value_name = "YYYY-MM", group = "subject")]
    month: Option<Month>,
    /// For the terminal, for Excel or for the printer
    #[arg(long, value_enum, default_value_t = Shape::Table)]
    format: Shape,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shape {
    Table,
    Csv,
    Html,
}

impl Report {
    fn format(&self) -> Format {
        use std::io::IsTerminal;
        match self.format {
            Shape::Table => {
                let plain = self.output.is_some() || std::env::var_os("NO_COLOR").is_some();
                Format::Table { colours: !plain && std::io::stdout().is_terminal() }
            }
            Shape::Csv => Format::Csv,
            Shape::Html => Format::Html,
        }
    }
}

#[derive(Debug, Args)]
struct Enroll {
    /// One site by its id in the inventory; prints its code and nothing else on standard output
    #[arg(long, value_name = "ID", required_unless_present_any = ["all", "fleet"], conflicts_with = "all")]
    site: Option<SiteId>,
    /// Every site without a credential, as CSV that Excel opens (UTF-8, columns parted by ';')
    #[arg(long)]
    all: bool,
    /// With --all: also sites that are enrolled already
    #[arg(long, requires = "all")]
    again: bool,
    /// With --all: the file to make [default: standard output]
    #[arg(long, value_name = "FILE", requires = "all")]
    output: Option<PathBuf>,
    /// One code for all PCs, which then wait until they are matched to their sites
    #[arg(long, conflicts_with_all = ["site", "all"])]
    fleet: bool,
    /// With --fleet: how many PCs may use it
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, requires = "fleet")]
    uses: u32,
    /// How long the codes are good
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = life)]
    expires: Duration,
}

#[derive(Debug, Args)]
struct Assign {
    /// The PC's number in `waiting`
    #[arg(value_name = "NUMBER")]
    id: i64,
    /// The site it is
    site: SiteId,
    /// Also where the site has a PC already, which is told and stops
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
struct Bundle {
    /// The directory to fill; run again, it keeps the codes that are still good
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// One package and a list of codes for Excel instead of a folder a site
    #[arg(long)]
    one: bool,
    /// Installers and whatever else goes along
    #[arg(long, value_name = "FILE", num_args = 1..)]
    with: Vec<PathBuf>,
    /// The agent.yaml for all sites [default: a minimal one]
    #[arg(long, value_name = "FILE")]
    agent_config: Option<PathBuf>,
    /// Also sites that are enrolled already
    #[arg(long)]
    again: bool,
    /// How long new codes are good
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = life)]
    expires: Duration,
}

impl From<Bundle> for commands::Bundle {
    fn from(bundle: Bundle) -> Self {
        let Bundle { output, one, with, agent_config, again, expires: life } = bundle;
        Self { output, one, with, agent_config, again, life }
    }
}

fn life(text: &str) -> Result<Duration, String> {
    let Span(life) = text.parse()?;
    if life.is_zero() || life > LONGEST_LIFE {
        return Err("give more than nothing and at most a year, as in 12h or 7d".to_owned());
    }
    Ok(life)
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    start_logging();
    if let Command::Update(update) = &arguments.command
        && let Some(done) = update.elsewhere(language(arguments.lang))
    {
        return finish(
            done.map(|told| print!("{told}")).map_err(Into::into),
            language(arguments.lang),
        );
    }
    let config = match Config::read(&arguments.config) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(CONFIGURATION);
        }
    };
    let language = language(arguments.lang.or(config.language));
    finish(execute(arguments.command, &config, language), language)
}

fn language(wanted: Option<Language>) -> Language {
    let system = || Language::from_environment(|name| std::env::var(name).ok());
    wanted.or_else(system).unwrap_or_default()
}

fn finish(outcome: anyhow::Result<()>, language: Language) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Faults name their files; each stands in a line of its own, as editors expect.
        Err(error) if is_configuration(&error) => {
            eprintln!("{}", told(&error, language));
            ExitCode::from(CONFIGURATION)
        }
        Err(error) => {
            eprintln!("nhipcau-collector: {}", told(&error, language));
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command, config: &Config, language: Language) -> anyhow::Result<()> {
    match command {
        Command::Run => run(config)?,
        Command::Check => print!("{}", commands::check(config, language)?),
        Command::Revoke { site } => print!("{}", commands::revoke(config, &site, language)?),
        Command::User(user) => {
            let (wish, password) = user.wish();
            print!("{}", commands::user(config, &wish, password.as_deref(), language)?);
        }
        Command::Update(update) => print!("{}", update.here(config, language)?),
        Command::Audit { since, csv } => {
            let log = commands::log(config, since, csv, language)?;
            // Whoever pipes it into `head` has read enough.
            let _ = std::io::Write::write_all(&mut std::io::stdout(), log.as_bytes());
        }
        Command::Report(report) => {
            let format = report.format();
            let Report { meeting, month, output, .. } = report;
            let subject = meeting.map(Subject::Meeting).or(month.map(Subject::Month));
            let Some(subject) = subject else { return Ok(()) };
            let mut out = std::io::stdout().lock();
            commands::report(config, &subject, format, language, output.as_ref(), &mut out)?;
        }
        Command::Bundle(bundle) => {
            commands::bundle(config, &bundle.into(), language, &mut std::io::stderr())?;
        }
        Command::Waiting => print!("{}", commands::waiting(config, language)?),
        Command::Assign(Assign { id, site, replace }) => {
            print!("{}", commands::assign(config, (id, &site, replace), language)?);
        }
        Command::Enroll(Enroll { fleet: true, uses, expires, .. }) => {
            let (mut out, mut aside) = (std::io::stdout().lock(), std::io::stderr());
            commands::enroll_fleet(config, (expires, uses), language, &mut out, &mut aside)?;
        }
        Command::Enroll(Enroll { site, all: _, again, output, expires, .. }) => {
            let which = site.map_or(Which::All { again, output }, Which::One);
            let invitation = Invitation { which, life: expires };
            let (mut out, mut aside) = (std::io::stdout().lock(), std::io::stderr());
            commands::enroll(config, &invitation, language, &mut out, &mut aside)?;
        }
    }
    Ok(())
}

fn run(config: &Config) -> anyhow::Result<()> {
    resident::share_heaps();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .context("the asynchronous runtime cannot start")?;
    runtime.spawn(resident::keep_small());
    let outcome = runtime.block_on(serve(config));
    // A look at a hung network share must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn serve(config: &Config) -> anyhow::Result<()> {
    // From here on SIGHUP no longer kills; whoever sends it early finds the inventory just read.
    let _ = signal(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let on_request = stop.clone().drop_guard();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        drop(on_request);
    });
    let collector = Collector::open(config, stop)?;
    let listeners = Listeners::bind(config)?;
    Ok(collector.run(listeners).await?)
}

fn told(error: &anyhow::Error, language: Language) -> String {
    if let Some(error) = error.downcast_ref::<CommandError>() {
        return error.told(language);
    }
    // It says its causes itself.
    error.downcast_ref::<StartError>().map_or_else(|| format!("{error:#}"), StartError::to_string)
}

fn is_configuration(error: &anyhow::Error) -> bool {
    let start = match error.downcast_ref::<CommandError>() {
        Some(CommandError::Start(start)) => Some(start),
        _ => error.downcast_ref::<StartError>(),
    };
    start.is_some_and(StartError::is_configuration)
}

/// Logs go to standard error: plain when piped, coloured on a terminal. `NHIPCAU_LOG` sets
/// levels (`debug`, `collector::listener=trace`).
fn start_logging() {
    use std::io::IsTerminal;
    let wanted = std::env::var("NHIPCAU_LOG").ok();
    // The smaller of the two filters: the other brings regular expressions, a megabyte of them.
    let levels = wanted.and_then(|wanted| wanted.parse::<Targets>().ok());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)))
        .with(lines)
        .init();
}
