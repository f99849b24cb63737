//! Identifiers from the host's clock and random bytes.

use crate::host::Host;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Makes an identifier of the form of a UUID, version 7: ordered by time, 74 random bits.
pub fn new_id(host: &dyn Host) -> String {
    let mut bytes = [0u8; 16];
    host.random(&mut bytes);
    let millis = u64::try_from(host.now()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::new_id;
    use crate::virtual_host::VirtualHost;

    #[test]
    fn ids_have_the_form_of_uuid_7_and_order_by_time() {
        let host = VirtualHost::new();
        let first = new_id(&host);
        host.advance(2);
        let second = new_id(&host);
        assert!(first < second, "{first} < {second}");
        assert_eq!(first.len(), 36);
        assert_eq!(&first[14..15], "7");
        assert!(first.chars().all(|c| c == '-' || c.is_ascii_hexdigit()));
    }
}
