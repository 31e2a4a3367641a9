//! Finds the documented path that a request's path belongs to.

use serde_json::Value;

/// The paths of a document, with the prefixes that its servers put before them.
pub(super) struct Operations {
    templates: Vec<String>,
    prefixes: Vec<String>,
}

impl Operations {
    pub(super) fn of(document: &Value) -> Self {
        let paths = document
            .get("paths")
            .and_then(Value::as_object)
            .expect("an OpenAPI document has paths");
        let servers = document
            .get("servers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let urls = servers.filter_map(|server| server.get("url")?.as_str());
        let mut prefixes: Vec<String> = urls.map(path_of).filter(|prefix| !prefix.is_empty()).collect();
        prefixes.push(String::new());
        Self {
            templates: paths.keys().cloned().collect(),
            prefixes,
        }
    }

    /// The template that fits, the one with the earliest literal steps where several do: `/users/me` goes before
    /// `/users/{id}`.
    pub(super) fn template(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap_or(path);
        self.prefixes
            .iter()
            .filter_map(|prefix| path.strip_prefix(prefix.as_str()))
            .find_map(|path| {
                let fitting = self.templates.iter().filter(|template| fits(template, path));
                fitting
                    .min_by_key(|template| openness(template))
                    .map(String::as_str)
            })
    }
}

/// The path part of a server's URL, without a slash at its end.
fn path_of(url: &str) -> String {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => url,
    };
    path.trim_end_matches('/').to_owned()
}

fn fits(template: &str, path: &str) -> bool {
    let (mut expected, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), given.next()) {
            (None, None) => return true,
            (Some(expected), Some(given)) if fits_step(expected, given) => {}
            _ => return false,
        }
    }
}

/// A step may be a parameter with literal text around it: `{id}.pdf`.
fn fits_step(template: &str, given: &str) -> bool {
    let Some((before, rest)) = template.split_once('{') else {
        return template == given;
    };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    given.len() > before.len() + after.len() && given.starts_with(before) && given.ends_with(after)
}

/// Which steps are parameters, and how much of each is left open: less is more literal, the earlier steps first.
fn openness(template: &str) -> Vec<(bool, std::cmp::Reverse<usize>)> {
    template
        .split('/')
        .map(|step| {
            let is_parameter = step.contains('{');
            let around = step.split_once('{').map_or(0, |(before, rest)| {
                before.len() + rest.split_once('}').map_or(0, |(_, after)| after.len())
            });
            (is_parameter, std::cmp::Reverse(around))
        })
        .collect()
}
