//! What a start needs besides what the files say: sockets; and all that can be wrong with it.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket};
use wire::yaml::Faults;

use crate::auth::TokenError;
use crate::authority::AuthorityError;
use crate::config::Config;
use crate::store;

/// Connections that wait to be accepted: the most Linux grants by default. All agents come back
/// at once after an outage, and whoever finds no room here tries again a second later.
const BACKLOG: u32 = 4096;

/// Why the collector did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The inventory has faults.
    #[error(transparent)]
    Inventory(#[from] Faults),
    /// Calendars have faults. Only `check` ends over them: a collector runs on with the others.
    #[error("{0}")]
    Calendar(Faults),
    /// A token file is of no use.
    #[error("operations.{key}: {source}")]
    Token {
        /// `token_file` or `operate_token_file`.
        key: &'static str,
        /// Why.
        source: TokenError,
    },
    /// The operator's certificate cannot be used.
    #[error("{key}.certificate: {source}")]
    Certificate {
        /// `agents` or `operations`.
        key: &'static str,
        /// Why.
        source: AuthorityError,
    },
    /// There is no authority of our own and none can be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] store::OpenError),
    /// The store cannot be read or written.
    #[error("the store: {0}")]
    Database(#[from] rusqlite::Error),
    /// A metric is not in the table.
    #[error(transparent)]
    Telemetry(#[from] prometheus::Error),
    /// An address cannot be listened on.
    #[error("{key}.listen: cannot listen on {address}: {source}")]
    Listen {
        /// `agents` or `operations`.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl From<(&'static str, TokenError)> for StartError {
    fn from((key, source): (&'static str, TokenError)) -> Self {
        Self::Token { key, source }
    }
}

impl StartError {
    /// Whether a file that people write is at fault.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Inventory(_) | Self::Calendar(_) | Self::Token { .. } | Self::Certificate { .. }
        )
    }
}

/// The bound sockets.
#[derive(Debug)]
pub struct Listeners {
    pub(crate) agents: TcpListener,
    pub(crate) operations: TcpListener,
}

impl Listeners {
    /// Binds what the configuration says. Must be called within a tokio runtime.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        Ok(Self {
            agents: listen("agents", config.agents.listen)?,
            operations: listen("operations", config.operations.listen)?,
        })
    }

    /// Where agents and operations connect; of interest where the configuration says port 0.
    pub fn addresses(&self) -> io::Result<(SocketAddr, SocketAddr)> {
        Ok((self.agents.local_addr()?, self.operations.local_addr()?))
    }
}

fn listen(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // A restart must not wait for connections of the run before to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| StartError::Listen { key, address, source })
}
