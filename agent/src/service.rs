//! `service`: what it says to whoever asked for it.

use std::io;

use wire::Language;

use crate::platform::{self, ServiceOrder, ServiceState};

/// Does as told and says what came of it; whether that was what was asked for.
#[must_use]
pub fn command(order: ServiceOrder, language: Language) -> bool {
    match platform::service(order) {
        Ok(state) => {
            println!("{}", told(state, language));
            good(order, state)
        }
        // Of another way to do the same.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            eprintln!("{error}");
            false
        }
        Err(error) => {
            eprintln!(
                "{}",
                language.pick(
                    format!("Không làm được: {error}. Hãy chạy bằng quyền quản trị."),
                    format!("It could not be done: {error}. Run it with administrator rights."),
                )
            );
            false
        }
    }
}

/// Whether the service is where the order wanted it. Whoever asks for its state wants it to run.
fn good(order: ServiceOrder, state: ServiceState) -> bool {
    match order {
        ServiceOrder::Install => state != ServiceState::NotInstalled,
        ServiceOrder::Start | ServiceOrder::Status => state == ServiceState::Running,
        ServiceOrder::Stop => state == ServiceState::Stopped,
        ServiceOrder::Release => {
            matches!(state, ServiceState::Stopped | ServiceState::NotInstalled)
        }
        ServiceOrder::Uninstall => state == ServiceState::NotInstalled,
    }
}

fn told(state: ServiceState, language: Language) -> &'static str {
    let (vi, en) = match state {
        ServiceState::NotInstalled => ("Dịch vụ chưa được cài.", "The service is not installed."),
        ServiceState::Stopped => ("Dịch vụ đang dừng.", "The service is stopped."),
        ServiceState::Changing => {
            ("Dịch vụ đang khởi động hoặc đang dừng.", "The service is starting or stopping.")
        }
        ServiceState::Running => ("Dịch vụ đang chạy.", "The service is running."),
    };
    language.pick(vi, en)
}

#[cfg(test)]
mod tests {
    use ServiceOrder::{Install, Release, Start, Status, Stop, Uninstall};
    use ServiceState::{Changing, NotInstalled, Running, Stopped};

    use super::*;

    #[test]
    fn an_order_is_carried_out_when_the_service_is_where_it_was_sent() {
        for (order, state, expected) in [
            (Install, Stopped, true),
            (Install, Running, true),
            (Start, Running, true),
            (Start, Changing, false),
            (Stop, Stopped, true),
            (Stop, Changing, false),
            (Release, NotInstalled, true),
            (Release, Running, false),
            (Uninstall, NotInstalled, true),
            (Status, Running, true),
            (Status, Stopped, false),
        ] {
            assert_eq!(good(order, state), expected, "{order:?} {state:?}");
        }
    }
}
