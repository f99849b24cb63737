//! Artifacts on a server, with a place on this machine for what is written piece by piece.

use std::rc::Rc;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::{ArtifactClient, ArtifactWriter, Artifacts};

/// Submits content to a server; what outputs leave out of the log stays in the local place, where it is read most.
#[derive(Clone)]
pub struct RemoteArtifacts {
    client: ArtifactClient,
    local: Rc<dyn Artifacts>,
}

impl RemoteArtifacts {
    /// Makes a place of a client and of the place for everything that is not submitted.
    pub fn new(client: ArtifactClient, local: Rc<dyn Artifacts>) -> Self {
        Self { client, local }
    }
}

impl Artifacts for RemoteArtifacts {
    fn put(&self, bytes: &[u8]) -> Result<String, String> {
        self.local.put(bytes)
    }

    fn writer(&self) -> Result<Box<dyn ArtifactWriter>, String> {
        self.local.writer()
    }

    fn limit(&self) -> u64 {
        self.local.limit()
    }

    fn submit(&self, bytes: Vec<u8>, mime: &str) -> LocalBoxFuture<'static, Result<String, String>> {
        let (client, mime) = (self.client.clone(), mime.to_owned());
        async move { client.submit(bytes, &mime).await.map_err(|error| error.to_string()) }.boxed_local()
    }

    fn url(&self, reference: &str) -> String {
        if ArtifactClient::is_remote(reference) {
            self.client.url(reference)
        } else {
            self.local.url(reference)
        }
    }
}

impl std::fmt::Debug for RemoteArtifacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteArtifacts").field("client", &self.client).finish_non_exhaustive()
    }
}
