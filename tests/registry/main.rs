//! The registry adapter against the real `docker-registry` (Debian's package of the same name) and against servers that
//! misbehave on purpose.

mod bases;
#[allow(dead_code, reason = "each test program uses its own part")]
mod fake;
mod forge;
#[path = "../support/forge.rs"]
#[allow(dead_code, reason = "each test program uses its own part")]
mod forge_server;
mod logins;
mod misbehaviour;
mod quirks;
mod real;
#[path = "../support/registry.rs"]
mod server;

use std::{fs, path::Path, sync::Arc, time::Duration};

use flota::registry::{Registries, Registry, RegistryOptions};
use sha2::{Digest, Sha256};

/// No user's credentials, no long waits.
fn options() -> RegistryOptions {
    RegistryOptions {
        credential_files: Vec::new(),
        connect_timeout: Duration::from_secs(5),
        stall_timeout: Duration::from_secs(20),
        attempts: 3,
        backoff: Duration::from_millis(10),
    }
}

/// The registry at `address`, with the login `user:password` kept for it where there is one.
fn registry(address: &str, login: Option<&str>) -> (Arc<Registry>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    if let Some(login) = login {
        use base64::{Engine, prelude::BASE64_STANDARD};
        let auth = serde_json::json!({"auths": {address: {"auth": BASE64_STANDARD.encode(login)}}});
        let file = folder.path().join("config.json");
        fs::write(&file, auth.to_string()).unwrap();
        options.credential_files.push(file);
    }
    (Registries::new(options).at(address).unwrap(), folder)
}

fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}

/// Puts `bytes` into the image layout at `root` and returns their digest.
fn put_blob(root: &Path, bytes: &[u8]) -> String {
    let digest = digest(bytes);
    let folder = root.join("blobs/sha256");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&digest["sha256:".len()..]), bytes).unwrap();
    digest
}

/// An image with one layer of `layer`; returns its manifest's digest.
fn put_image(root: &Path, layer: &[u8]) -> String {
    let config = format!(
        r#"{{"architecture":"amd64","os":"linux","config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        digest(layer)
    );
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": put_blob(root, config.as_bytes()),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": put_blob(root, layer),
            "size": layer.len(),
        }],
    });
    put_blob(root, manifest.to_string().as_bytes())
}

/// Everything an error would print, down the chain of causes.
fn whole(error: &flota::model::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!("\n{next}"));
        cause = next.source();
    }
    text + "\n" + &error.hints().join("\n")
}
