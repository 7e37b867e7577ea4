//! Programs are looked up on `PATH`, and nowhere near the repository.

use std::{
    env,
    ffi::OsStr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::model::error::{Error, Result};

/// The first program of this name on `PATH`, or `program` itself if it is an absolute path.
///
/// Entries of `PATH` that are not absolute are passed over: execvp(3) would look them up in the current directory, which
/// may hold what a repository put there (CVE-2018-19486).
///
/// # Errors
/// Unavailable, with a hint how to get the program.
pub fn find(program: impl AsRef<OsStr>) -> Result<PathBuf> {
    let program = program.as_ref();
    find_all(program).into_iter().next().ok_or_else(|| {
        Error::unavailable(format!(
            "{} is not installed, or not on PATH",
            program.display()
        ))
        .hint(how_to_get(&program.to_string_lossy()))
    })
}

/// Every program of this name on `PATH`, in its order.
pub fn find_all(program: impl AsRef<OsStr>) -> Vec<PathBuf> {
    find_in(program.as_ref(), &env::var_os("PATH").unwrap_or_default())
}

fn find_in(program: &OsStr, path: &OsStr) -> Vec<PathBuf> {
    let program = Path::new(program);
    if program.is_absolute() {
        return vec![program.to_owned()];
    }
    // A relative path with a slash would be looked up in the current directory.
    if program.file_name() != Some(program.as_os_str()) {
        return Vec::new();
    }
    env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(program))
        .filter(|file| is_executable(file))
        .collect()
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn how_to_get(program: &str) -> String {
    let source = match program {
        "git" => "https://git-scm.com/downloads",
        "docker" => "https://docs.docker.com/engine/install/",
        "podman" => "https://podman.io/docs/installation",
        "buildah" => "https://github.com/containers/buildah/blob/main/install.md",
        "helm" => "https://helm.sh/docs/intro/install/",
        "kubectl" => "https://kubernetes.io/docs/tasks/tools/",
        _ => return format!("install {program}, or add its directory to PATH"),
    };
    format!("install {program} ({source}), or add its directory to PATH")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn program(dir: &Path, mode: u32) -> PathBuf {
        let file = dir.join("tool");
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn only_executable_files_in_absolute_folders_count_in_order() {
        let [plain, first, second] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
        program(plain.path(), 0o644);
        let expected = [program(first.path(), 0o755), program(second.path(), 0o755)];
        let path = env::join_paths([
            "".as_ref(),
            ".".as_ref(),
            plain.path(),
            first.path(),
            second.path(),
        ])
        .unwrap();
        assert_eq!(find_in("tool".as_ref(), &path), expected);
    }

    #[test]
    fn nothing_is_found_in_the_current_directory() {
        // Tests run in the crate's root, where these are.
        assert!(Path::new("src/process.rs").exists());
        for (program, path) in [
            ("process.rs", "src"),
            ("./Cargo.toml", "/"),
            ("src/lib.rs", "/"),
            ("..", "/usr/bin"),
            ("", "/"),
        ] {
            assert_eq!(
                find_in(program.as_ref(), path.as_ref()),
                Vec::<PathBuf>::new(),
                "{program}"
            );
        }
    }

    #[test]
    fn a_missing_program_says_how_to_get_it() {
        let error = find("flota-has-no-such-tool").unwrap_err();
        assert_eq!(error.exit(), crate::model::exit::Exit::Unavailable);
        assert_eq!(
            error.to_string(),
            "flota-has-no-such-tool is not installed, or not on PATH"
        );
        assert_eq!(
            error.hints(),
            ["install flota-has-no-such-tool, or add its directory to PATH"]
        );
        assert!(how_to_get("helm").contains("https://helm.sh/"));
    }
}
