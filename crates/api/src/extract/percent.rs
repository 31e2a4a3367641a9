//! Percent-encoding (RFC 3986, section 2.1), read strictly.

/// The text behind an encoded one: UTF-8 without NUL, or none. In a query `+` is a space, as forms write it.
pub(super) fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_strictly() {
        assert_eq!(decode("a%20b+c", false).as_deref(), Some("a b+c"));
        assert_eq!(decode("a%20b+c", true).as_deref(), Some("a b c"));
        assert_eq!(decode("caf%C3%A9", false).as_deref(), Some("café"));
        for bad in ["%", "%4", "%zz", "%+f", "%ff", "a%00"] {
            assert_eq!(decode(bad, true), None, "{bad}");
        }
    }
}
