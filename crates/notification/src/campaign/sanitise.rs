//! What is left of HTML: a few elements without attributes, and links to web and mail addresses.

use ammonia::{Builder, UrlRelative};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The elements that Markdown makes, but for pictures: a picture in a mail tells whoever serves it that it was opened.
pub(super) const ELEMENTS: [&str; 18] = [
    "a",
    "blockquote",
    "br",
    "code",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "ul",
];

/// Where links may lead.
pub(super) const SCHEMES: [&str; 3] = ["http", "https", "mailto"];

/// What is said of each link: whom it leads to learns nothing of where it stood, and no search engine counts it.
pub(super) const REL: &str = "noopener noreferrer nofollow";

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(HashSet::from(ELEMENTS))
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"]))]))
        .generic_attributes(HashSet::new())
        .url_schemes(HashSet::from(SCHEMES))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some(REL))
        // What is inside them is no text that anybody is to read.
        .clean_content_tags(HashSet::from(["script", "style"]));
    builder
});

/// The safe part of it, well formed: whatever was open is closed, so that it cannot reach beyond where it is put.
pub(super) fn sanitised(html: &str) -> String {
    SANITISER.clean(html).to_string()
}

/// Whether a link may lead there. A scheme is letters at the very beginning; what a browser would overlook before or within it is
/// not overlooked here.
pub(super) fn may_lead_to(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once(':') else {
        return false;
    };
    let is_known = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_plain = !url.chars().any(|c| c.is_control() || c.is_whitespace());
    let names_somebody = match scheme.len() {
        6 => !rest.is_empty(),
        _ => rest.len() > 2 && rest.starts_with("//"),
    };
    is_known && is_plain && names_somebody
}
