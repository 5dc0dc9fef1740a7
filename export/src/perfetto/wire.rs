//! Protocol Buffers' wire format, as far as Perfetto's traces need it.
//!
//! Fields are written by number after "Encoding" of the Protocol Buffers documentation: a tag (`number << 3 | wire type`), then
//! a varint, eight bytes, or a length and bytes.

/// A message under construction.
#[derive(Debug, Default, Clone)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Empties the message and keeps its room.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(low(value) | 0x80);
            value >>= 7;
        }
        self.0.push(low(value));
    }

    fn tag(&mut self, field: u32, wire_type: u64) {
        self.raw(u64::from(field) << 3 | wire_type);
    }

    /// An unsigned number, an enumeration or a truth value.
    pub(crate) fn varint(&mut self, field: u32, value: u64) -> &mut Self {
        self.tag(field, 0);
        self.raw(value);
        self
    }

    pub(crate) fn fixed64(&mut self, field: u32, value: u64) -> &mut Self {
        self.tag(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    pub(crate) fn double(&mut self, field: u32, value: f64) -> &mut Self {
        self.fixed64(field, value.to_bits())
    }

    pub(crate) fn text(&mut self, field: u32, text: &str) -> &mut Self {
        self.block(field, text.as_bytes())
    }

    pub(crate) fn message(&mut self, field: u32, message: &Message) -> &mut Self {
        self.block(field, &message.0)
    }

    fn block(&mut self, field: u32, bytes: &[u8]) -> &mut Self {
        self.tag(field, 2);
        self.raw(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }
}

/// The low seven bits.
fn low(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_encoded_as_the_documentation_shows() {
        // The two examples of "Encoding": field 1 = 150, field 2 = "testing".
        let mut message = Message::default();
        message.varint(1, 150).text(2, "testing");
        assert_eq!(message.bytes(), b"\x08\x96\x01\x12\x07testing");
        let mut outer = Message::default();
        let mut inner = Message::default();
        outer.message(3, inner.varint(1, 150));
        assert_eq!(outer.bytes(), b"\x1a\x03\x08\x96\x01");
    }

    #[test]
    fn the_greatest_number_takes_ten_bytes() {
        let mut message = Message::default();
        message.varint(1, u64::MAX);
        assert_eq!(message.bytes().len(), 11);
    }
}
