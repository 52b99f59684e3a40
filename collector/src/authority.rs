//! The certificate that the collector shows, and the authority behind it, which enrolment codes
//! pin. Either the collector makes both for itself, or the operator brings them.
//!
//! Whoever renews replaces one value; connections that stand are not touched.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use wire::UnixMillis;
use wire::enrolment::PIN_BYTES;

use crate::config::{Config, HostName, OwnCertificate};
use crate::{StartError, store};
use own::Stamp;
use served::Served;

mod files;
mod made;
mod own;
mod served;

/// Why there is no certificate to show. Every variant names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The system did not let us read or write.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there and cannot be used.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The state directory could not be made.
    #[error(transparent)]
    State(#[from] store::OpenError),
    /// A certificate could not be made.
    #[error("making a certificate: {0}")]
    Make(#[from] rcgen::Error),
    /// TLS could not be set up.
    #[error("setting up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl AuthorityError {
    fn unusable(path: &Path, problem: impl Into<String>) -> Self {
        Self::Unusable { path: path.to_owned(), problem: problem.into() }
    }
}

/// Where certificates come from.
#[derive(Debug)]
enum Source {
    Made { state_dir: PathBuf },
    Own { files: OwnCertificate, stamp: RwLock<Stamp> },
}

/// The certificate in use.
#[derive(Debug)]
pub struct Authority {
    source: Source,
    names: Vec<HostName>,
    shown: Arc<Shown>,
}

/// What new connections get to see.
#[derive(Debug)]
struct Shown(RwLock<Arc<Served>>);

impl Authority {
    /// The collector's own authority: made at the first start, read later.
    pub fn made(
        state_dir: &Path,
        names: &[HostName],
        now: UnixMillis,
    ) -> Result<Self, AuthorityError> {
        let served = made::open(state_dir, names, now)?;
        Ok(Self::new(Source::Made { state_dir: state_dir.to_owned() }, names, served))
    }

    /// The operator's own certificate.
    pub fn own(
        files: &OwnCertificate,
        names: &[HostName],
        now: UnixMillis,
    ) -> Result<Self, AuthorityError> {
        // The stamp before the content: a change in between is seen at the next look.
        let stamp = RwLock::new(Stamp::of(files));
        let served = own::open(files, names, now)?;
        Ok(Self::new(Source::Own { files: files.clone(), stamp }, names, served))
    }

    /// What agents get to see.
    pub fn of_agents(config: &Config, now: UnixMillis) -> Result<Self, StartError> {
        let names = &config.agents.names;
        match config.agents.own_certificate() {
            None => Ok(Self::made(&config.state_dir, names, now)?),
            Some(files) => Self::own(&files, names, now)
                .map_err(|source| StartError::Certificate { key: "agents", source }),
        }
    }

    /// What operations' readers get to see, where they are spoken to in TLS.
    pub fn of_operations(
        config: &Config,
        agents: &Arc<Self>,
        now: UnixMillis,
    ) -> Result<Option<Arc<Self>>, StartError> {
        match config.operations.own_certificate() {
            None => Ok(config.operations.has_tls().then(|| Arc::clone(agents))),
            // Its names are between the operator and Prometheus.
            Some(files) => match Self::own(&files, &[], now) {
                Ok(authority) => Ok(Some(Arc::new(authority))),
                Err(source) => Err(StartError::Certificate { key: "operations", source }),
            },
        }
    }

    fn new(source: Source, names: &[HostName], served: Served) -> Self {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(served))));
        Self { source, names: names.to_owned(), shown }
    }

    /// What enrolment codes carry.
    #[must_use]
    pub fn pin(&self) -> [u8; PIN_BYTES] {
        self.shown.get().pin
    }

    /// When the certificate in use expires.
    #[must_use]
    pub fn expires_at(&self) -> UnixMillis {
        self.shown.get().not_after
    }

    /// TLS for a listener; it always shows the newest certificate.
    pub fn tls(&self) -> Result<Arc<ServerConfig>, AuthorityError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Shown>::clone(&self.shown));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Ten thousand agents that come back at once resume without a signature each, and
        // without a session table here.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// Renews a certificate of our own when a third of its life is left, reads the operator's
    /// again when its files have changed. Says whether there is a new one. On an error the old
    /// one stays in use.
    pub fn tend(&self, now: UnixMillis) -> Result<bool, AuthorityError> {
        let served = match &self.source {
            Source::Made { state_dir } => {
                if !self.shown.get().is_due(now) {
                    return Ok(false);
                }
                made::open(state_dir, &self.names, now)?
            }
            Source::Own { files, stamp } => {
                let found = Stamp::of(files);
                let mut stamp = stamp.write().unwrap_or_else(PoisonError::into_inner);
                if *stamp == found {
                    return Ok(false);
                }
                // Also where the files turn out to be bad: said once, not at every look.
                *stamp = found;
                own::open(files, &self.names, now)?
            }
        };
        self.shown.set(served);
        Ok(true)
    }

    /// How often [`Self::tend`] is worth a look: a new certificate of the operator's is in use
    /// before they have logged out.
    pub const TEND_EVERY: Duration = Duration::from_secs(10);
}

impl Shown {
    fn get(&self) -> Arc<Served> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, served: Served) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(served);
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.get().key))
    }
}

#[cfg(test)]
mod tests;
