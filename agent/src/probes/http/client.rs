//! The HTTP client of one probe, which tells what it does while it does it.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use tower_layer::Layer;
use tower_service::Service;
use wire::reading::{Failure, Reason};

use super::super::certificates::{self, Trust, Witness};
use super::config::{Headers, WebAddress};
use super::fault::Unresolved;
use super::seen::Seen;

/// A site that redirects from `http` to `https`, to a path, to a language is at three.
const REDIRECTS: usize = 5;

/// A client and what it sees.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub(super) http: reqwest::Client,
    pub(super) seen: Arc<Seen>,
}

impl Client {
    pub(super) fn new(
        trust: Trust,
        headers: &Headers,
        proxy: Option<&WebAddress>,
    ) -> Result<Self, Failure> {
        let failed = |error: &dyn fmt::Display| {
            Failure::new(Reason::Internal, format_args!("make an HTTP client: {error}"))
        };
        let seen = Arc::new(Seen::default());
        let tls = certificates::tls(trust, Arc::clone(&seen) as Arc<dyn Witness>)
            .map_err(|error| failed(&error))?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .referer(false)
            .user_agent(concat!("nhipcau-agent/", env!("CARGO_PKG_VERSION")))
            .default_headers((*headers.0).clone())
            .redirect(redirects(Arc::clone(&seen)))
            .dns_resolver(Arc::new(Resolver(Arc::clone(&seen))))
            .connector_layer(Timed(Arc::clone(&seen)));
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all((*proxy.0).clone()).map_err(|error| failed(&error))?;
            builder = builder.proxy(proxy);
        }
        let http = builder.build().map_err(|error| failed(&error))?;
        Ok(Self { http, seen })
    }
}

/// Follows within the host and stops before any other, whose name is kept.
fn redirects(seen: Arc<Seen>) -> Policy {
    Policy::custom(move |attempt: Attempt<'_>| {
        let host = attempt.url().host_str().unwrap_or_default();
        if attempt.previous().first().and_then(|first| first.host_str()) != Some(host) {
            seen.redirect_elsewhere(host);
            attempt.stop()
        } else if attempt.previous().len() > REDIRECTS {
            attempt.error("it redirects in circles")
        } else {
            attempt.follow()
        }
    })
}

/// The system's resolver, timed.
struct Resolver(Arc<Seen>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let seen = Arc::clone(&self.0);
        Box::pin(async move {
            let start = Instant::now();
            seen.resolving();
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            seen.resolved(start.elapsed());
            match found {
                Ok(found) => {
                    let addresses: Vec<SocketAddr> = found.collect();
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Err(error) => Err(Unresolved::boxed(name.as_str(), &error)),
            }
        })
    }
}

/// Times the making of connections.
#[derive(Debug, Clone)]
struct Timed(Arc<Seen>);

impl<S> Layer<S> for Timed {
    type Service = TimedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TimedConnector { inner, seen: Arc::clone(&self.0) }
    }
}

#[derive(Debug, Clone)]
struct TimedConnector<S> {
    inner: S,
    seen: Arc<Seen>,
}

impl<S, Destination> Service<Destination> for TimedConnector<S>
where
    S: Service<Destination>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, destination: Destination) -> Self::Future {
        let seen = Arc::clone(&self.seen);
        let start = Instant::now();
        let resolve_before = seen.sight().resolve.unwrap_or_default();
        let connecting = self.inner.call(destination);
        Box::pin(async move {
            let connection = connecting.await?;
            seen.connected(start.elapsed(), resolve_before);
            Ok(connection)
        })
    }
}
