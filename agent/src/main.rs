//! Arguments, configuration, logging, exit code: nothing else.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agent::enrol::Manner;
use agent::platform::ServiceOrder;
use agent::style::Style;
use agent::update::{Start, SuperviseError, Told, supervise};
use agent::{Ended, config, platform};
use anyhow::Context;
use clap::{Parser, Subcommand, ValueEnum};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;
use wire::Language;

/// Exit codes of `sysexits.h`, as far as design goes beyond 0 and 1.
const USAGE: u8 = 64;
const CONFIGURATION: u8 = 78;

/// Measures this conference bridge and pushes what it finds to the collector.
#[derive(Debug, Parser)]
#[command(name = "nhipcau-agent", version = agent::version::version(), disable_help_subcommand = true)]
struct Arguments {
    /// The configuration file [default: the system's own place, where it may be missing]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Language of what people read: vi or en [default: the configuration's, else the system's]
    #[arg(long, global = true, value_name = "LANG")]
    lang: Option<Language>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure and push until stopped (SIGTERM or Ctrl-C)
    Run,
    /// Check the configuration and say what would be measured
    Check,
    /// Run one probe, or all, a single time and explain what was found
    Once {
        /// The probe's name in the configuration
        probe: Option<String>,
    },
    /// Look at what the room has now, and make it what is expected of it
    Learn {
        /// Write it without asking
        #[arg(long)]
        yes: bool,
    },
    /// Check everything this site needs, and say what to do first
    Doctor {
        /// One JSON object instead of text
        #[arg(long)]
        json: bool,
        /// Also write a text file for support, without secrets
        #[arg(long, value_name = "FILE")]
        bundle: Option<PathBuf>,
    },
    /// Enrol this PC at the collector with the code it was given
    Enroll {
        /// The whole string: collector.example:8443/XXXXX-XXXXX-…
        code: String,
        /// Also where this PC is a site already: it becomes the code's
        #[arg(long)]
        replace: bool,
        /// For installers: where the collector cannot be reached, the code is kept, protected, and
        /// the agent enrols by itself as soon as it can
        #[arg(long, conflicts_with = "replace")]
        later: bool,
    },
    /// What Windows starts at each sign-in, to tell the service what a service cannot see; of no use to people
    #[command(hide = true)]
    Session,
    /// What the installed program starts as an update of itself; of no use to people
    #[command(hide = true)]
    Updated {
        /// Of the update's manifest
        id: String,
        /// It has not proved itself yet
        #[arg(long)]
        trial: bool,
        /// The system's manager of services runs it
        #[arg(long)]
        service: bool,
    },
    /// Install, start, stop or take away the service that runs the agent (Windows)
    Service {
        /// What to do
        #[arg(value_enum)]
        order: Order,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// Make it start with the system, a little after everything else
    Install,
    /// Start it now
    Start,
    /// Stop it until the next start of the system
    Stop,
    /// Stop it and its helpers, so that its file can be replaced; then install and start it again
    Release,
    /// Stop it and take it away; configuration, identity and unsent reports stay
    Uninstall,
    /// Say what it is doing
    Status,
    /// What the system starts; of no use to people
    #[value(hide = true)]
    Run,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    if let Command::Service { order } = arguments.command {
        return service(order, arguments.lang);
    }
    if let Command::Session = arguments.command {
        return finish(platform::run_in_session().map(|()| true).map_err(anyhow::Error::from));
    }
    if let Command::Updated { service: true, .. } = arguments.command {
        platform::work_below_service();
        start_logging(platform::event_log());
    } else {
        start_logging(std::io::stderr);
    }
    let named = arguments.config.is_some();
    let path = arguments.config.clone().unwrap_or_else(platform::config_file);
    if let Command::Enroll { code, replace, later } = &arguments.command {
        let manner = match (*replace, *later) {
            (true, _) => Manner::Replace,
            (false, true) => Manner::Later,
            (false, false) => Manner::Now,
        };
        return finish(enroll(code, &path, manner, arguments.lang));
    }
    let config = config::load(&path, named);
    if let Command::Doctor { json, bundle } = &arguments.command {
        let wanted = agent::doctor::Wanted { json: *json, bundle: bundle.as_deref() };
        return finish(doctor(&path, config, arguments.lang, wanted));
    }
    if let Command::Run = arguments.command {
        return ended(run(Start { path, config, service: false }));
    }
    let config = match config {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(CONFIGURATION);
        }
    };
    let language = language(arguments.lang.or(config.file.language));
    match arguments.command {
        Command::Check => {
            print!("{}", agent::check::told(&path, &config, language));
            ExitCode::SUCCESS
        }
        Command::Once { probe } => once(config, probe.as_deref(), language),
        Command::Learn { yes } => finish(Ok(agent::learn::command(&path, &config, yes, language))),
        Command::Updated { id, trial, .. } => finish(updated(&id, trial, config, &path)),
        Command::Run
        | Command::Enroll { .. }
        | Command::Doctor { .. }
        | Command::Session
        | Command::Service { .. } => ExitCode::SUCCESS,
    }
}

fn service(order: Order, lang: Option<Language>) -> ExitCode {
    let order = match order {
        Order::Install => ServiceOrder::Install,
        Order::Start => ServiceOrder::Start,
        Order::Stop => ServiceOrder::Stop,
        Order::Release => ServiceOrder::Release,
        Order::Uninstall => ServiceOrder::Uninstall,
        Order::Status => ServiceOrder::Status,
        Order::Run => {
            return finish(platform::run_as_service(serve).map(|()| true).context(
                "only the system starts a service; to run the agent here: nhipcau-agent run",
            ));
        }
    };
    start_logging(std::io::stderr);
    finish(Ok(agent::service::command(order, language(lang))))
}

/// The agent as a service; whether it ended well. What it has to say goes into the system's log.
fn serve() -> bool {
    start_logging(platform::event_log());
    let named = Arguments::try_parse().ok().and_then(|arguments| arguments.config);
    let path = named.clone().unwrap_or_else(platform::config_file);
    let config = config::load(&path, named.is_some());
    let ended = run(Start { path, config, service: true });
    if let Err(error) = &ended {
        tracing::error!("{error:#}");
    }
    ended.is_ok()
}

fn run(start: Start) -> anyhow::Result<()> {
    block_on(async { Ok(supervise(start, on_request()).await?) })?
}

/// This program as an update below the installed one.
fn updated(id: &str, on_trial: bool, config: config::Config, path: &Path) -> anyhow::Result<bool> {
    block_on(async {
        let stop = on_request();
        let role = Told::listen(id, on_trial, stop.clone());
        if let Ended::Update(id) = agent::run(config, path, role, stop).await? {
            Told::switch(&id);
        }
        Ok(true)
    })?
}

/// Cancelled when the system asks this program to end.
fn on_request() -> CancellationToken {
    let stop = CancellationToken::new();
    let on_request = stop.clone().drop_guard();
    tokio::spawn(async move {
        platform::stop_requested().await;
        drop(on_request);
    });
    stop
}

/// How `run` ended, for whoever started it.
fn ended(outcome: anyhow::Result<()>) -> ExitCode {
    match outcome.as_ref().map_err(|error| error.downcast_ref::<SuperviseError>()) {
        Err(Some(SuperviseError::Config(faults))) => {
            eprintln!("{faults}");
            ExitCode::from(CONFIGURATION)
        }
        _ => finish(outcome.map(|()| true)),
    }
}

fn enroll(code: &str, path: &Path, manner: Manner, lang: Option<Language>) -> anyhow::Result<bool> {
    let language = language(lang);
    block_on(agent::enrol::command(code, path, manner, language))
}

fn doctor(
    path: &Path,
    config: Result<config::Config, wire::yaml::Faults>,
    lang: Option<Language>,
    wanted: agent::doctor::Wanted<'_>,
) -> anyhow::Result<bool> {
    let configured = config.as_ref().ok().and_then(|config| config.file.language);
    block_on(agent::doctor::command(path, config, language(lang.or(configured)), wanted))
}

fn once(config: config::Config, probe: Option<&str>, language: Language) -> ExitCode {
    let names: Vec<String> = config.tasks.iter().map(|task| task.name.to_string()).collect();
    let tasks: Vec<_> = config
        .tasks
        .into_iter()
        .filter(|task| probe.is_none_or(|probe| task.name.as_str() == probe))
        .collect();
    if tasks.is_empty() {
        let probe = probe.unwrap_or_default();
        let names = names.join(", ");
        eprintln!(
            "{}",
            language.pick(
                format!("không có phép đo {probe:?} trong cấu hình; có: {names}"),
                format!("there is no probe {probe:?} in the configuration; there are: {names}"),
            )
        );
        return ExitCode::from(USAGE);
    }
    finish(block_on(async {
        let mut all_good = true;
        for task in tasks {
            let (told, good) = agent::once::once(task, language, Style::of_stdout()).await;
            print!("{told}");
            all_good &= good;
        }
        all_good
    }))
}

fn block_on<F: Future>(program: F) -> anyhow::Result<F::Output> {
    agent::runtime::block_on(program).context("the asynchronous runtime cannot start")
}

fn language(wanted: Option<Language>) -> Language {
    wanted.or_else(platform::language).unwrap_or_default()
}

fn finish(outcome: anyhow::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("nhipcau-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error: plain when piped, coloured on a terminal. `NHIPCAU_LOG` sets
/// levels (`debug`, `agent::uplink=trace`).
fn start_logging<W>(into: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    use std::io::IsTerminal;
    let wanted = std::env::var("NHIPCAU_LOG").ok();
    // The smaller of the two filters: the other brings regular expressions, a megabyte of them.
    let levels = wanted.and_then(|wanted| wanted.parse::<Targets>().ok());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(into)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)))
        .with(lines)
        .init();
}
