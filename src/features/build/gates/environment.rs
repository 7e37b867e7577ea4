//! What a gate's program gets of flota's environment: enough to find its files and its servers, and no secrets.

const NAMES: [&str; 22] = [
    "ALL_PROXY",
    "CONTAINER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// The locale, the user's folders, and the settings of the programs that presets start.
const PREFIXES: [&str; 7] = [
    "CONTAINERS_",
    "GRYPE_",
    "HELM_",
    "LC_",
    "SYFT_",
    "TRIVY_",
    "XDG_",
];

/// What the name of a variable with a secret holds.
const SECRETS: [&str; 7] = [
    "AUTH",
    "CREDENTIAL",
    "KEY",
    "PASSWORD",
    "SECRET",
    "TOKEN",
    "USERNAME",
];

/// Whether a gate's program gets the variable of this name.
pub(super) fn is_passed(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_known =
        NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    is_known && !SECRETS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_passed() {
        for name in [
            "GITHUB_TOKEN",
            "FLOTA_GIT_TOKEN",
            "FLOTA_REGISTRY_PASSWORD",
            "CI_JOB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "TRIVY_PASSWORD",
            "TRIVY_TOKEN",
            "GRYPE_REGISTRY_AUTH_PASSWORD",
            "SYFT_REGISTRY_AUTH_TLS_KEY",
            "HELM_KUBETOKEN",
            "SSH_AUTH_SOCK",
            "ANYTHING",
        ] {
            assert!(!is_passed(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "https_proxy",
            "LC_ALL",
            "XDG_CACHE_HOME",
            "TRIVY_CACHE_DIR",
            "TRIVY_DB_REPOSITORY",
            "DOCKER_HOST",
        ] {
            assert!(is_passed(name), "{name}");
        }
    }
}
