//! The event log: where a service writes what it would say on a console.

use std::io::{self, Write};
use std::ptr;
use std::sync::Arc;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use windows_sys::Win32::Foundation::{ERROR_SUCCESS, HANDLE};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Registry::{
    HKEY_LOCAL_MACHINE, REG_DWORD, REG_EXPAND_SZ, RegDeleteTreeW, RegSetKeyValueW,
};

use super::size;
use super::text::wide;

/// Where the sources of the log named "Application" are written down.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";

/// Every Windows has this program, whose messages 1 to 1000 are nothing but the text they get.
const MESSAGES: &str = r"%SystemRoot%\System32\EventCreate.exe";

/// All of ours are of one kind.
const MESSAGE: u32 = 1;

/// `EVENTLOG_ERROR_TYPE`, `EVENTLOG_WARNING_TYPE` and `EVENTLOG_INFORMATION_TYPE` together.
const KINDS: u32 = 7;

/// A text is cut there: Windows takes no longer one.
const TEXT_UNITS: usize = 31_000;

/// Writes down where the texts of our events come from, so that Windows shows them as they are.
pub(super) fn register(source: &str) -> io::Result<()> {
    let key = format!(r"{SOURCES}\{source}");
    let (file, kinds) = (wide(MESSAGES), KINDS);
    let bytes = u32::try_from(file.len()).unwrap_or(0) * size::<u16>();
    set(&key, "EventMessageFile", REG_EXPAND_SZ, file.as_ptr().cast(), bytes)?;
    set(&key, "TypesSupported", REG_DWORD, (&raw const kinds).cast(), size::<u32>())
}

#[expect(unsafe_code, reason = "a call to Windows")]
fn set(
    key: &str,
    name: &str,
    kind: u32,
    value: *const core::ffi::c_void,
    bytes: u32,
) -> io::Result<()> {
    let (key, name) = (wide(key), wide(name));
    // SAFETY: the names end at a zero; the callers hand over as many bytes as they say.
    let status = unsafe {
        RegSetKeyValueW(HKEY_LOCAL_MACHINE, key.as_ptr(), name.as_ptr(), kind, value, bytes)
    };
    if status == ERROR_SUCCESS {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(status.cast_signed()))
    }
}

/// Takes that away again, where it is.
#[expect(unsafe_code, reason = "a call to Windows")]
pub(super) fn forget(source: &str) {
    let key = wide(format!(r"{SOURCES}\{source}"));
    // SAFETY: the name ends at a zero and outlives the call.
    unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, key.as_ptr()) };
}

/// The log, for the lines of one service.
#[derive(Debug, Clone)]
pub struct EventLog(Arc<Source>);

#[derive(Debug)]
struct Source(HANDLE);

// SAFETY: a handle of the event log may be used by any thread.
#[expect(unsafe_code, reason = "a handle is a pointer by its type only")]
unsafe impl Send for Source {}
// SAFETY: as above; reports do not disturb each other.
#[expect(unsafe_code, reason = "a handle is a pointer by its type only")]
unsafe impl Sync for Source {}

/// The log for what a service says.
#[must_use]
#[expect(unsafe_code, reason = "a call to Windows")]
pub fn event_log() -> EventLog {
    let name = wide(super::service::NAME);
    // SAFETY: the name ends at a zero and outlives the call; null is this PC.
    EventLog(Arc::new(Source(unsafe { RegisterEventSourceW(ptr::null(), name.as_ptr()) })))
}

impl Drop for Source {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        // SAFETY: registered by `event_log`, given back only here; null is refused.
        unsafe { DeregisterEventSource(self.0) };
    }
}

/// One line on its way.
#[derive(Debug)]
pub struct Line {
    log: EventLog,
    kind: u16,
    text: Vec<u8>,
}

impl<'a> MakeWriter<'a> for EventLog {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { log: self.clone(), kind: EVENTLOG_INFORMATION_TYPE, text: Vec::new() }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line {
        let kind = match *of.level() {
            Level::ERROR => EVENTLOG_ERROR_TYPE,
            Level::WARN => EVENTLOG_WARNING_TYPE,
            _ => EVENTLOG_INFORMATION_TYPE,
        };
        Line { log: self.clone(), kind, text: Vec::new() }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    #[expect(unsafe_code, reason = "a call to Windows")]
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        let mut units = wide(text.trim_end());
        if units.len() > TEXT_UNITS {
            units.truncate(TEXT_UNITS);
            units.push(0);
        }
        let texts = [units.as_ptr()];
        // SAFETY: the source is registered, or null, which is refused; the one text ends at a zero
        // and outlives the call.
        unsafe {
            ReportEventW(
                self.log.0.0,
                self.kind,
                0,
                MESSAGE,
                ptr::null_mut(),
                1,
                0,
                texts.as_ptr(),
                ptr::null(),
            )
        };
    }
}
