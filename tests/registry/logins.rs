//! Who is logged in where: by the longest path that leads to a repository, and for a repository and a scope alone.

use std::{sync::Arc, thread};

use base64::{Engine, prelude::BASE64_STANDARD};
use flota::{
    model::reference::Reference,
    registry::{Registries, Registry, RegistryOptions},
};

use super::{
    fake::{Answer, Asked, Fake},
    options,
};

fn basic(user: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:secret")))
}

/// The registry, where `users` are logged in below these paths; the empty one is the registry itself.
fn logged_in(address: &str, users: &[(&str, &str)]) -> (Arc<Registry>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.json");
    let mut auths = serde_json::Map::new();
    for (path, user) in users {
        let key = format!("{address}/{path}");
        let auth = BASE64_STANDARD.encode(format!("{user}:secret"));
        let entry = serde_json::json!({ "auth": auth });
        auths.insert(key.trim_end_matches('/').to_owned(), entry);
    }
    let text = serde_json::json!({ "auths": auths }).to_string();
    std::fs::write(&file, text).unwrap();
    let options = RegistryOptions {
        credential_files: vec![file],
        ..options()
    };
    (Registries::new(options).at(address).unwrap(), folder)
}

fn reference(fake: &Fake, name: &str) -> Reference {
    Reference::parse(&format!("{}/{name}", fake.address)).unwrap()
}

fn refuse(challenge: &str) -> Answer {
    let headers = vec![("WWW-Authenticate", challenge.to_owned())];
    Answer::With(401, headers, r#"{"errors": []}"#.to_owned())
}

/// What a registry answers that has no tags but `v0`, and takes every other.
fn granted(asked: &Asked) -> Answer {
    let code = match asked.method.as_str() {
        "PUT" => 201,
        _ if asked.path.ends_with("/v0") => 200,
        _ => 404,
    };
    Answer::With(code, Vec::new(), "{}".to_owned())
}

#[test]
fn each_repository_gets_the_login_that_is_kept_for_it() {
    let fake = Fake::start(|asked, _| {
        let user = match asked.path.split('/').nth(2) {
            Some("shop") => "seller",
            _ => "anybody",
        };
        match asked.authorization.as_deref() == Some(&basic(user)) {
            true => granted(asked),
            false => refuse("Basic realm=\"x\""),
        }
    });
    let (registry, _folder) = logged_in(&fake.address, &[("", "anybody"), ("shop", "seller")]);
    for _ in 0..2 {
        for name in ["shop/api:v0", "tools/web:v0", "shop/web:v0"] {
            let found = registry.resolve(&reference(&fake, name)).unwrap();
            assert!(found.is_some(), "{name}");
        }
    }
    // Nobody's password was tried on a repository that it is not kept for.
    for asked in fake.asked() {
        let is_shop = asked.path.starts_with("/v2/shop/");
        let foreign = basic(if is_shop { "anybody" } else { "seller" });
        assert_ne!(asked.authorization, Some(foreign), "{}", asked.path);
    }
}

/// A token server that grants a token which names what it is for.
fn token_server() -> Fake {
    Fake::start(|asked, _| {
        let (_, scope) = asked.path.split_once("scope=").unwrap();
        let token = serde_json::json!({ "token": scope.replace('%', ".") });
        Answer::With(200, Vec::new(), token.to_string())
    })
}

/// A registry that takes a token only for what it names.
fn strict(realm: String) -> Fake {
    Fake::start(move |asked, _| {
        let repository = asked.path.split('/').nth(3).unwrap();
        let actions = match asked.method.as_str() {
            "PUT" => "pull,push",
            _ => "pull",
        };
        let token = asked.authorization.as_deref().unwrap_or_default();
        let is_for = |part: &str| token.contains(part);
        let may_push = actions == "pull" || is_for("pull.2Cpush");
        if is_for(&format!("acme.2F{repository}.3A")) && may_push {
            return granted(asked);
        }
        refuse(&format!(
            "Bearer realm=\"http://{realm}/token\",scope=\"repository:acme/{repository}:{actions}\""
        ))
    })
}

#[test]
fn a_token_is_for_one_repository_and_scope() {
    let tokens = token_server();
    let fake = strict(tokens.address.clone());
    let (registry, _folder) = logged_in(&fake.address, &[("", "me")]);
    for tag in ["v1", "v2"] {
        for name in ["acme/api:v0", "acme/web:v0"] {
            let name = reference(&fake, name);
            assert!(registry.resolve(&name).unwrap().is_some());
            registry.tag(&name, &[tag.to_owned()]).unwrap();
        }
    }
    let asked = tokens.asked();
    // Who looks for a tag is about to push it, and asks for that at once: one token does for both.
    for repository in ["api", "web"] {
        let path = format!("/token?scope=repository%3Aacme%2F{repository}%3Apull%2Cpush");
        let count = asked.iter().filter(|asked| asked.path == path).count();
        assert_eq!(count, 1, "{path}");
    }
    assert_eq!(asked.len(), 2);
}

#[test]
fn of_many_who_need_a_token_one_fetches_it() {
    let tokens = token_server();
    let fake = strict(tokens.address.clone());
    let (registry, _folder) = logged_in(&fake.address, &[("", "me")]);
    let name = reference(&fake, "acme/api:v0");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(registry.resolve(&name).unwrap().is_some()));
        }
    });
    assert_eq!(tokens.asked().len(), 1);
}
