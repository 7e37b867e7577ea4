//! One scripted fleet for each rule: the script's first line says the rule, plain git checks the answer.

use super::{LAST, actions, json, oracle, shows, shows_in, snapshot};
use crate::sandbox::Sandbox;

#[test]
fn no_setting_of_git_hides_a_change() {
    shows("ignore-all");
}

#[test]
fn neither_worktree_nor_index_is_consulted() {
    shows("worktree");
}

#[test]
fn a_merge_compares_with_its_first_parent() {
    shows("merge");
}

#[test]
fn equal_trees_are_an_empty_result() {
    shows("empty");
}

#[test]
fn a_commit_and_itself_are_an_empty_result() {
    let sandbox = Sandbox::scripted("code");
    for range in ["HEAD..HEAD", "HEAD...HEAD", "..", "..."] {
        let ran = sandbox.flota("fleet", &["changed", range]);
        assert_eq!(ran.status, Some(0), "{range}");
        assert!(ran.text().contains("No service changed."), "{range}");
    }
}

#[test]
fn two_dots_are_the_ends_and_three_their_merge_base() {
    let sandbox = Sandbox::scripted("branches");
    let transcripts = [
        &["main..topic"][..],
        &["main...topic"],
        &["..topic"],
        &["...topic"],
        &["topic..."],
        &["--base", "main", "--head", "topic"],
        &["--base", "topic"],
        // Without a range: the base branch, which is HEAD here, so there is nothing.
        &[],
    ]
    .map(|range| {
        let json = json(&sandbox, "fleet", range);
        oracle::check(&sandbox, "fleet", &json);
        let args = [&["changed"], range].concat();
        let transcript = sandbox.flota("fleet", &args).transcript();
        format!("$ flota {}\n{transcript}", args.join(" "))
    });
    insta::assert_snapshot!("branches", transcripts.join("\n"));
}

#[test]
fn a_rollback_is_a_change() {
    shows("rollback");
}

#[test]
fn a_rewritten_branch_diverges() {
    shows("diverged");
}

#[test]
fn code_calls_for_an_image() {
    shows("code");
}

#[test]
fn configuration_alone_calls_for_a_chart() {
    shows("config");
}

#[test]
fn code_and_configuration_call_for_one_image() {
    shows("code-and-config");
}

#[test]
fn charts_are_configuration() {
    shows("charts");
}

#[test]
fn charts_and_configuration_are_one_part() {
    shows("charts-and-config");
}

#[test]
fn other_paths_call_for_nothing() {
    shows("other");
}

#[test]
fn other_paths_call_for_what_is_configured() {
    shows("other-builds");
}

#[test]
fn a_pin_that_moved_to_the_same_content_calls_for_nothing() {
    shows("pointer-only");
}

#[test]
fn an_executable_bit_is_a_change() {
    shows("mode");
}

#[test]
fn what_is_new_is_built() {
    shows("added");
}

#[test]
fn what_is_gone_is_retired() {
    shows("removed");
}

#[test]
fn submodules_that_are_no_services_are_reported() {
    shows("plain");
}

#[test]
fn another_path_is_no_change() {
    shows("renamed");
}

#[test]
fn a_renamed_submodule_is_known_by_its_name() {
    shows("renamed-by-name");
}

#[test]
fn a_renamed_submodule_is_known_by_its_url() {
    shows("renamed-by-url");
}

#[test]
fn submodules_may_exchange_their_paths() {
    shows("swap");
}

#[test]
fn a_path_may_be_taken_over_by_another_service() {
    shows("replaced");
}

#[test]
fn another_url_is_a_warning() {
    shows("url");
}

#[test]
fn another_url_and_pin_are_what_the_content_says() {
    shows("url-and-pin");
}

#[test]
fn a_directory_extracted_as_it_was_is_not_built() {
    shows("extracted");
}

#[test]
fn a_directory_extracted_with_other_code_is_built() {
    shows("extracted-changed");
}

#[test]
fn a_submodule_folded_in_as_it_was_is_not_built() {
    shows("folded-in");
}

#[test]
fn a_file_is_no_service() {
    shows("file-and-gitlink");
}

#[test]
fn a_link_is_no_service() {
    shows("link-and-gitlink");
}

#[test]
fn links_in_the_place_of_folders_are_named() {
    shows("linked-code");
    // In the service's own repository too.
    let sandbox = Sandbox::scripted("code");
    sandbox.git("api", &["mv", "code", "src"]);
    std::os::unix::fs::symlink("src", sandbox.path("api/code")).unwrap();
    sandbox.git("api", &["add", "code"]);
    sandbox.git("api", &["commit", "--quiet", "--message=Link it"]);
    let ran = sandbox.flota("api", &["changed", LAST]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let named = "warning: .: its code is a symbolic link";
    assert!(ran.stderr.contains(named), "{}", ran.stderr);
}

#[test]
fn what_is_left_out_need_not_be_known() {
    let sandbox = Sandbox::scripted("stray");
    let json = json(&sandbox, "fleet", &[LAST]);
    oracle::check_links(&sandbox, "fleet", &json);
    snapshot(&sandbox, "stray", "fleet", &[LAST]);
    let all = sandbox.flota("fleet", &["plan", "--all", "--format", "json"]);
    assert_eq!(all.json()["count"], 1);
}

/// The same of one that is listed; not where a service may lie inside it, and not where everything is a service.
#[test]
fn what_is_left_out_may_be_out_of_reach() {
    for (services, status) in [
        ("services = [\"code-repos/*\"]", 0),
        ("services = [\"code-repos/*\", \"tools/*/inside\"]", 4),
        ("services = [\"code-repos/*\", \"tools/**/inside\"]", 4),
        ("", 4),
    ] {
        let sandbox = Sandbox::scripted("stray");
        let file = sandbox.path("fleet/flota.toml");
        std::fs::write(file, format!("[fleet]\n{services}\n")).unwrap();
        let section = "submodule.scratch";
        for (key, value) in [("path", "tools/scratch"), ("url", "../nowhere")] {
            let key = format!("{section}.{key}");
            let list = ["config", "-f", ".gitmodules", &key, value];
            sandbox.git("fleet", &list);
        }
        sandbox.git("fleet", &["add", "flota.toml", ".gitmodules"]);
        let amend = ["commit", "--quiet", "--amend", "--no-edit"];
        sandbox.git("fleet", &amend);
        for args in [
            &["changed", LAST, "--format", "names"][..],
            &["changed", LAST, "--format", "names", "--offline"],
        ] {
            let ran = sandbox.flota("fleet", args);
            assert_eq!(ran.status, Some(status), "{services}: {}", ran.stderr);
            assert!(ran.text().contains("api\n"), "{services}: {}", ran.text());
            assert!(ran.stderr.contains("tools/scratch"), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_gitlink_without_gitmodules_counts() {
    shows("unlisted");
}

#[test]
fn a_merge_that_keeps_the_older_pin_is_warned_of() {
    shows("merge-keeps-older-pin");
}

#[test]
fn a_merge_that_keeps_a_much_older_pin_is_warned_of() {
    shows("merge-keeps-older-pin-of-many");
}

#[test]
fn a_merge_that_undoes_a_rollback_is_warned_of() {
    shows("merge-undoes-a-rollback");
}

#[test]
fn a_merge_that_forgets_a_service_is_warned_of() {
    shows("merge-forgets-a-service");
}

/// What goes back inside a service goes back with it.
#[test]
fn a_rollback_takes_back_the_submodules_inside_too() {
    let sandbox = Sandbox::scripted("nested");
    let old = sandbox.git("fleet", &["rev-parse", "HEAD~2:code-repos/platform"]);
    let entry = format!("160000,{},code-repos/platform", old.trim());
    sandbox.git("fleet", &["update-index", "--cacheinfo", &entry]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Take it back"]);
    let changed = json(&sandbox, "fleet", &[LAST]);
    let services = changed["services"].as_array().unwrap().iter();
    let directions: Vec<_> = services.map(|service| &service["direction"]).collect();
    assert_eq!(directions, ["rollback", "rollback"]);
    assert_eq!(changed["warnings"], serde_json::json!([]));
}

#[test]
fn a_rollback_that_a_merge_brings_is_meant() {
    shows("merge-of-a-rollback");
}

#[test]
fn a_fleet_may_use_sha256() {
    shows("sha256");
}

#[test]
fn the_submodules_repository_may_be_in_its_worktree() {
    shows("old-form");
}

#[test]
fn the_fleet_may_be_a_linked_worktree() {
    shows_in("linked-worktree", "linked", &[LAST]);
}

#[test]
fn objects_may_be_borrowed() {
    shows("alternates");
}

#[test]
fn objects_may_be_packed() {
    shows("packed");
}

#[test]
fn the_fleet_may_be_bare() {
    shows_in("bare", "fleet.git", &[LAST]);
}

#[test]
fn a_commit_that_is_gone_counts_as_changed() {
    shows("base-unavailable");
}

#[test]
fn a_submodule_in_code_is_part_of_the_code() {
    shows("service-with-submodule");
}

#[test]
fn a_submodule_of_a_submodule_is_looked_into_outside_of_the_code() {
    let sandbox = Sandbox::scripted("nested");
    let transcripts = ["HEAD~2..HEAD~1", LAST].map(|range| {
        let args = ["changed", "--files", range];
        let ran = sandbox.flota("fleet", &args);
        format!("$ flota {}\n{}", args.join(" "), ran.transcript())
    });
    insta::assert_snapshot!("nested", transcripts.join("\n"));
}

/// A service that moved at the same pin is read when something calls for it, whether or not it is initialised.
#[test]
fn what_was_renamed_is_built_where_something_calls_for_it() {
    let sandbox = Sandbox::scripted("fanout");
    sandbox.git("fleet", &["mv", "code-repos/api", "services-api"]);
    let toml = sandbox.path("fleet/flota.toml");
    let text = std::fs::read_to_string(&toml).unwrap();
    let named = text.replace("\"api\"", "\"services-api\"");
    assert_ne!(text, named);
    std::fs::write(toml, named).unwrap();
    std::fs::write(sandbox.path("fleet/shared/more"), "more").unwrap();
    sandbox.git("fleet", &["add", "flota.toml", "shared"]);
    sandbox.git("fleet", &["commit", "--quiet", "--message=Rename api"]);
    sandbox.git("", &["clone", "--quiet", "fleet", "clone"]);
    let of = |dir: &str| {
        let changed = sandbox.flota(dir, &["changed", LAST, "--format", "json"]);
        let changed = changed.json();
        let services = changed["services"].as_array().unwrap().iter();
        let renamed = services.clone().find(|one| one["name"] == "services-api");
        renamed.unwrap()["action"].clone()
    };
    assert_eq!(of("fleet"), "image");
    assert_eq!(of("clone"), "image", "not initialised");
    assert_eq!(of("clone"), "image", "once more");
}

#[test]
fn the_fleets_own_files_fan_out() {
    shows("fanout");
}

#[test]
fn dependents_are_built_too() {
    shows("depends-on");
}

#[test]
fn the_configuration_names_the_services() {
    let sandbox = Sandbox::scripted("fleet-services");
    let json = json(&sandbox, "fleet", &[LAST]);
    oracle::check_links(&sandbox, "fleet", &json);
    snapshot(&sandbox, "fleet-services", "fleet", &[LAST]);
}

#[test]
fn globs_say_what_is_code_and_what_is_configuration() {
    let sandbox = Sandbox::scripted("globs");
    let json = json(&sandbox, "fleet", &[LAST]);
    oracle::check_links(&sandbox, "fleet", &json);
    // The identity is the hash of git's own listing of what matches.
    for service in json["services"].as_array().unwrap() {
        let name = service["name"].as_str().unwrap();
        for (part, file) in [("code", "src/app"), ("config", "deploy/Chart.yaml")] {
            let pin = service["to"].as_str().unwrap();
            let listing = sandbox.git(name, &["ls-tree", "-r", "-z", pin, file]);
            std::fs::write(sandbox.path("listing"), listing).unwrap();
            let id = sandbox.git(name, &["hash-object", "../listing"]);
            assert_eq!(service[part]["to"], id.trim(), "{part} of {name}");
        }
    }
    snapshot(&sandbox, "globs", "fleet", &[LAST]);
}

#[test]
fn strict_makes_warnings_errors() {
    let strict = |script, range| {
        let sandbox = Sandbox::scripted(script);
        let ran = sandbox.flota("fleet", &["changed", "--strict", range]);
        ran.transcript()
    };
    let transcripts = [
        ("url", LAST),
        ("base-unavailable", LAST),
        ("merge-keeps-older-pin", LAST),
        ("code", LAST),
    ]
    .map(|(script, range)| strict(script, range));
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn files_are_listed_below_their_service() {
    let sandbox = Sandbox::scripted("code-and-config");
    let ran = sandbox.flota("fleet", &["changed", "--files", LAST]);
    insta::assert_snapshot!(ran.transcript());
}

#[test]
fn without_a_range_the_base_branch_is_the_base() {
    let sandbox = Sandbox::scripted("branches");
    sandbox.git("fleet", &["checkout", "--quiet", "topic"]);
    let changed = json(&sandbox, "fleet", &[]);
    assert_eq!(changed["base"]["rev"], "main");
    assert_eq!(changed["base"]["kind"], "merge-base");
    assert_eq!(actions(&changed), ["api image"]);
}
