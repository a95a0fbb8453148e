//! A form with a file in it, as browsers send it (RFC 7578): parts between lines of one's own. Read strictly: what no browser
//! sends is no form.

/// One part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: String,
    pub is_file: bool,
    pub bytes: &'a [u8],
}

/// The longest line between parts.
const LONGEST_BOUNDARY: usize = 70;
/// The most parts that any form of ours has.
const MOST: usize = 20;

/// The line between the parts, from the header.
pub(super) fn boundary(kind: &str) -> Option<&str> {
    let (name, rest) = kind.split_once(';')?;
    let boundary = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let boundary = boundary.trim_matches('"');
    let fits = !boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY;
    (name.trim().eq_ignore_ascii_case("multipart/form-data") && fits).then_some(boundary)
}

/// All parts, or `None` if these bytes are no such form.
pub(super) fn parts<'a>(bytes: &'a [u8], boundary: &str) -> Option<Vec<Part<'a>>> {
    let line = format!("\r\n--{boundary}");
    let mut rest = bytes.strip_prefix(line.get(2..)?.as_bytes())?;
    let mut all = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, line.as_bytes())?;
        let head = find(part.get(..end)?, b"\r\n\r\n")?;
        all.push(one(part.get(..head)?, part.get(head + 4..end)?)?);
        if all.len() > MOST {
            return None;
        }
        rest = part.get(end + line.len()..)?;
    }
    rest.starts_with(b"--").then_some(all)
}

fn one<'a>(head: &[u8], bytes: &'a [u8]) -> Option<Part<'a>> {
    let head = std::str::from_utf8(head).ok()?;
    let says = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value.trim())
    })?;
    let says = says.strip_prefix("form-data;")?;
    let name = says.split(';').find_map(|part| part.trim().strip_prefix("name=\"")?.strip_suffix('"'))?;
    Some(Part { name: name.to_owned(), is_file: says.contains("filename="), bytes })
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &[u8] = b"--xY1\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nab\r\n--xY1\r\n\
        Content-Disposition: form-data; name=\"picture\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
        \x89PNG\r\n--xY\r\n\r\n\0\r\n--xY1--\r\n";

    #[test]
    fn fields_and_the_file_are_read_byte_for_byte() {
        let all = parts(FORM, "xY1").unwrap();
        assert_eq!(all[0], Part { name: "csrf".into(), is_file: false, bytes: b"ab" });
        assert_eq!(all[1].bytes, b"\x89PNG\r\n--xY\r\n\r\n\0");
        assert!(all[1].is_file && all[1].name == "picture" && all.len() == 2);
    }

    #[test]
    fn a_form_that_is_cut_or_of_another_boundary_is_none() {
        for cut in 0..FORM.len() - 2 {
            assert_eq!(parts(&FORM[..cut], "xY1").map(|all| all.len()), None, "{cut}");
        }
        assert!(parts(FORM, "xY2").is_none() && parts(b"", "").is_none());
    }

    #[test]
    fn the_boundary_is_in_the_header() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKit7"), Some("----WebKit7"));
        assert_eq!(boundary("multipart/form-data; charset=utf-8; boundary=\"a b\""), Some("a b"));
        for bad in ["multipart/form-data", "text/plain; boundary=a", "multipart/form-data; boundary=", ""] {
            assert_eq!(boundary(bad), None, "{bad}");
        }
    }
}
