//! As much of HTTP/1.1 as a load generator speaks: one request without a body, and its answer, whose body is read and
//! thrown away.
//!
//! It is written by hand, over the parser of heads that hyper uses too, because a general client costs more per request
//! than everything else here together: it keeps header maps, hands bodies over in channels and allocates for each of
//! them. Here a request and its answer allocate nothing, and it is known to the byte whether a request was written.

mod answer;
mod chunks;
mod head;
mod request;

pub use answer::{Answer, AnswerReader, BadAnswer, Progress};
pub use request::RequestTemplate;
