//! Which crate may depend on which: the arrows between our own, and the few who may know a library of the outside.

use super::Finding;
use anyhow::{Context, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

/// What stands under every domain.
const GROUND: &[&str] = &["kernel", "ticket", "calendar", "notification", "realtime"];
const DOMAINS: &[&str] = &[
    "user",
    "auth",
    "event",
    "waitlist",
    "payment",
    "registration",
    "voting",
    "campaign",
    "admin",
];

/// Every crate with the crates that it may name. Arrows point down; what is not here is refused.
const ARROWS: &[(&str, &[&[&str]])] = &[
    ("kernel", &[]),
    ("ticket", &[&["kernel"]]),
    ("calendar", &[&["kernel"]]),
    ("notification", &[&["kernel", "ticket", "calendar"]]),
    ("realtime", &[&["kernel"]]),
    ("user", &[GROUND]),
    ("event", &[GROUND, &["user"]]),
    ("auth", &[GROUND, &["user"]]),
    ("waitlist", &[GROUND, &["event", "user"]]),
    ("payment", &[GROUND, &["user"]]),
    (
        "registration",
        &[GROUND, &["event", "user", "waitlist", "payment"]],
    ),
    ("voting", &[GROUND, &["event", "user", "registration"]]),
    (
        "campaign",
        &[GROUND, &["user", "event", "registration", "voting"]],
    ),
    (
        "admin",
        &[
            GROUND,
            &[
                "user",
                "auth",
                "event",
                "waitlist",
                "payment",
                "registration",
                "voting",
                "campaign",
            ],
        ],
    ),
    ("storage", &[GROUND, DOMAINS]),
    ("gateway", &[GROUND, DOMAINS]),
    ("api", &[GROUND, DOMAINS, &["storage"]]),
    ("server", &[GROUND, DOMAINS, &["storage", "gateway", "api"]]),
    (
        "testkit",
        &[GROUND, DOMAINS, &["storage", "gateway", "api", "server"]],
    ),
    // storage: the benchmark alone, to fill an SQLite file, and with the ground to claim messages as a worker does.
    // registration: the benchmark again, for a rush without HTTP around it. notification: to show its samples.
    ("xtask", &[GROUND, &["testkit", "storage", "registration"]]),
];

/// Libraries of the outside that few may know, and who.
pub(super) const KEPT: &[(&str, &[&str])] = &[
    ("diesel", &["storage", "testkit"]),
    ("diesel_migrations", &["storage"]),
    ("actix-web", &["api", "server", "testkit", "xtask"]),
    ("lettre", &["gateway"]),
    ("reqwest", &["gateway", "testkit", "xtask"]),
    ("redis", &["gateway"]),
];

/// Libraries that a crate may know in its tests alone.
const KEPT_BY_TESTS: &[(&str, &[&str])] = &[("reqwest", &["api"])];

/// One crate of the workspace.
#[derive(Debug)]
pub(super) struct Crate {
    name: String,
    manifest: String,
    /// Name and kind: nothing for normal ones, else `dev` or `build`.
    dependencies: Vec<(String, Option<String>)>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// Asks cargo for the crates of the workspace.
pub(super) fn workspace(root: &Path) -> anyhow::Result<Vec<Crate>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .context("cargo metadata cannot be started")?;
    ensure!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let prefix = format!("{}/", root.display());
    Ok(metadata
        .packages
        .into_iter()
        .map(|package| read(package, &prefix))
        .collect())
}

fn read(package: Package, prefix: &str) -> Crate {
    let manifest = package
        .manifest_path
        .strip_prefix(prefix)
        .unwrap_or(&package.manifest_path)
        .to_owned();
    let dependencies = package
        .dependencies
        .into_iter()
        .map(|one| (short(&one.name).to_owned(), one.kind))
        .collect();
    Crate {
        name: short(&package.name).to_owned(),
        manifest,
        dependencies,
    }
}

/// The name as the code uses it.
fn short(package: &str) -> &str {
    if package == "podium" {
        "server"
    } else {
        package.strip_prefix("podium-").unwrap_or(package)
    }
}

/// Checks every arrow.
pub(super) fn check(crates: &[Crate]) -> Vec<Finding> {
    let ours: Vec<&str> = crates.iter().map(|one| one.name.as_str()).collect();
    let mut findings = Vec::new();
    for one in crates {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == one.name) else {
            findings.push(Finding::new(
                &one.manifest,
                format!("{} has no line in the list of arrows", one.name),
            ));
            continue;
        };
        for (dependency, kind) in &one.dependencies {
            let is_allowed = allowed.iter().any(|group| group.contains(&dependency.as_str()));
            if ours.contains(&dependency.as_str()) && kind.is_none() && !is_allowed {
                let rule = format!("{} may not depend on {dependency}", one.name);
                findings.push(Finding::new(&one.manifest, rule));
            }
            if !may_know(&one.name, dependency, kind.as_deref() == Some("dev")) {
                findings.push(Finding::new(
                    &one.manifest,
                    format!("{} may not know {dependency}", one.name),
                ));
            }
        }
    }
    findings
}

/// Whether a crate, or its tests, may know a library, by its name as a package.
pub(super) fn may_know(name: &str, library: &str, in_tests: bool) -> bool {
    let keeper = |list: &[(&str, &[&str])]| {
        list.iter()
            .find(|(kept, _)| *kept == library)
            .map(|(_, who)| who.contains(&name))
    };
    keeper(KEPT).unwrap_or(true) || (in_tests && keeper(KEPT_BY_TESTS).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, dependencies: &[(&str, Option<&str>)]) -> Crate {
        let dependencies = dependencies
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), kind.map(str::to_owned)))
            .collect();
        Crate {
            name: name.to_owned(),
            manifest: format!("{name}/Cargo.toml"),
            dependencies,
        }
    }

    #[test]
    fn an_arrow_that_points_up_is_found() {
        let crates = [
            one("kernel", &[("event", None)]),
            one("event", &[("kernel", None), ("chrono", None)]),
        ];
        let findings = check(&crates);
        assert_eq!(
            findings,
            [Finding::new(
                "kernel/Cargo.toml",
                "kernel may not depend on event"
            )]
        );
    }

    #[test]
    fn testkit_is_free_for_tests_and_refused_otherwise() {
        let crates = [
            one("api", &[("testkit", Some("dev"))]),
            one("server", &[("testkit", None)]),
            one("testkit", &[]),
        ];
        assert_eq!(
            check(&crates),
            [Finding::new(
                "server/Cargo.toml",
                "server may not depend on testkit"
            )]
        );
    }

    #[test]
    fn a_library_is_known_to_its_crate_alone_also_in_tests() {
        let crates = [
            one("storage", &[("diesel", None)]),
            one("event", &[("diesel", Some("dev")), ("reqwest", None)]),
            one("server", &[("actix-web", None)]),
        ];
        let rules: Vec<String> = check(&crates).into_iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["event may not know diesel", "event may not know reqwest"]);
    }

    #[test]
    fn a_library_of_the_tests_is_not_for_the_crate_itself() {
        assert!(check(&[one("api", &[("reqwest", Some("dev"))])]).is_empty());
        assert_eq!(check(&[one("api", &[("reqwest", None)])]).len(), 1);
    }

    #[test]
    fn a_crate_without_a_line_is_found() {
        assert_eq!(check(&[one("weather", &[])]).len(), 1);
    }

    #[test]
    fn every_name_of_the_list_has_a_line_and_no_two_point_at_each_other() {
        for (name, allowed) in ARROWS {
            for other in allowed.concat() {
                let (_, back) = ARROWS.iter().find(|(known, _)| *known == other).expect(other);
                assert!(!back.concat().contains(name), "{name} and {other}");
            }
        }
    }
}
