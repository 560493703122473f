//! Names as Kubernetes restricts them.

/// The longest name of any object, in bytes.
pub const LONGEST_NAME: usize = 253;

/// Whether it is an RFC 1123 label, the form of namespace names: at most 63 bytes.
#[must_use]
pub fn is_label(name: &str) -> bool {
    name.len() <= 63 && is_plain(name)
}

/// Whether it is an RFC 1123 subdomain, the form of HPA names: at most 253 bytes, parts of any length joined by dots.
#[must_use]
pub fn is_subdomain(name: &str) -> bool {
    name.len() <= LONGEST_NAME && name.split('.').all(is_plain)
}

/// Lower-case letters, digits and inner hyphens, at least one.
fn is_plain(part: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !part.is_empty() && part.bytes().all(inner) && !part.starts_with('-') && !part.ends_with('-')
}
