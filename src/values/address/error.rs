//! The errors of addresses, in Node's words.

use std::fmt;

/// What is wrong with an address, or with a rule for addresses: the error that Node's `net.BlockList` or
/// `net.SocketAddress` throws, with its code and its message.
///
/// ```
/// use netloop::BlockList;
///
/// let error = BlockList::new().add_address("localhost").unwrap_err();
/// assert_eq!(error.code(), "ERR_INVALID_ADDRESS");
/// assert_eq!(error.to_string(), "Invalid socket address");
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressError {
    code: &'static str,
    message: String,
}

impl AddressError {
    /// Node's code: `ERR_INVALID_ADDRESS` for text that is no address of the family,
    /// `ERR_INVALID_ARG_VALUE` for other text that cannot be read and for a range that ends before
    /// it starts, `ERR_OUT_OF_RANGE` for a number that is too large.
    pub fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn invalid_address() -> Self {
        AddressError {
            code: "ERR_INVALID_ADDRESS",
            message: "Invalid socket address".to_owned(),
        }
    }

    pub(crate) fn invalid_value(message: String) -> Self {
        AddressError {
            code: "ERR_INVALID_ARG_VALUE",
            message,
        }
    }

    pub(crate) fn out_of_range(name: &str, highest: u32, received: impl fmt::Display) -> Self {
        AddressError {
            code: "ERR_OUT_OF_RANGE",
            message: format!(
                "The value of \"{name}\" is out of range. \
                 It must be >= 0 && <= {highest}. Received {received}"
            ),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for AddressError {}
