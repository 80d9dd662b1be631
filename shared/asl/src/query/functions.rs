//! The functions that Step Functions adds to JSONata, and the ones it takes from the clock, from
//! chance, or away.

use std::sync::Arc;

use engine::runtime::{Entropy, Time};
use jsonata_core::evaluator::{Context, Evaluator, EvaluatorError};
use jsonata_core::parser;
use jsonata_core::value::JValue;
use md5::Md5;
use serde_json::Value;
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha256, Sha384, Sha512};

use super::convert::to_jvalue;
use crate::uuid::uuid;

type Answer = Result<JValue, EvaluatorError>;

/// Longest text that `$pad` may make, and longest list that `$range` may.
const MAX_MADE: f64 = 262_144.0;

/// Makes the functions known to `evaluator`.
///
/// # Errors
/// When the evaluator refuses to replace one of its own.
pub(crate) fn register(
    evaluator: &mut Evaluator,
    now: Time,
    entropy: &Arc<dyn Entropy>,
) -> Result<(), EvaluatorError> {
    let random = Arc::clone(entropy);
    let bits = Arc::clone(entropy);
    evaluator.register_fn_override("partition", partition)?;
    evaluator.register_fn_override("range", range)?;
    evaluator.register_fn_override("hash", hash)?;
    evaluator.register_fn_override("parse", parse)?;
    evaluator.register_fn_override("eval", |_: &[JValue]| Err(not_a_function()))?;
    evaluator.register_fn_override("pad", pad)?;
    evaluator.register_fn_override("random", move |args: &[JValue]| draw(args, &random))?;
    evaluator.register_fn_override("uuid", move |_: &[JValue]| {
        Ok(JValue::string(uuid(bits.as_ref())))
    })?;
    evaluator.register_fn_override("millis", move |_: &[JValue]| Ok(JValue::from_i64(now.0)))?;
    evaluator.register_fn_override("now", move |args: &[JValue]| format_now(now, args))
}

fn failure(text: impl Into<String>) -> EvaluatorError {
    EvaluatorError::EvaluationError(text.into())
}

fn not_a_function() -> EvaluatorError {
    failure("T1006: Attempted to invoke a non-function")
}

fn mismatch(function: &str, argument: usize) -> EvaluatorError {
    failure(format!(
        "T0410: Argument {argument} of function \"{function}\" does not match function signature"
    ))
}

fn number(function: &str, args: &[JValue], at: usize) -> Result<f64, EvaluatorError> {
    args.get(at)
        .and_then(JValue::as_f64)
        .filter(|n| n.is_finite())
        .ok_or_else(|| mismatch(function, at + 1))
}

fn text<'a>(function: &str, args: &'a [JValue], at: usize) -> Result<&'a str, EvaluatorError> {
    args.get(at)
        .and_then(JValue::as_str)
        .ok_or_else(|| mismatch(function, at + 1))
}

fn is_missing(args: &[JValue], at: usize) -> bool {
    args.get(at).is_none_or(JValue::is_undefined)
}

fn partition(args: &[JValue]) -> Answer {
    if is_missing(args, 0) {
        return Ok(JValue::Undefined);
    }
    let size = number("partition", args, 1)?;
    if size < 1.0 {
        return Err(mismatch("partition", 2));
    }
    let single = [args[0].clone()];
    let items = args[0].as_array().map_or(&single[..], Vec::as_slice);
    // Saturates, so a huge size gives one part.
    let parts = items.chunks(size as usize);
    Ok(JValue::array(
        parts.map(|part| JValue::array(part.to_vec())).collect(),
    ))
}

fn range(args: &[JValue]) -> Answer {
    let (first, last) = (number("range", args, 0)?, number("range", args, 1)?);
    let step = number("range", args, 2)?;
    if step == 0.0 {
        return Err(mismatch("range", 3));
    }
    let count = ((last - first) / step).floor() + 1.0;
    if count > MAX_MADE {
        return Err(failure(format!(
            "D2014: The size of the sequence allocated by $range must not exceed {MAX_MADE}"
        )));
    }
    // A negative count becomes zero.
    let items = (0..count as u64).map(|i| JValue::from_f64(first + step * i as f64));
    Ok(JValue::array(items.collect()))
}

fn hash(args: &[JValue]) -> Answer {
    if is_missing(args, 0) {
        return Ok(JValue::Undefined);
    }
    let data = text("hash", args, 0)?.as_bytes();
    let digest = digest(text("hash", args, 1)?, data);
    digest
        .map(JValue::string)
        .ok_or_else(|| mismatch("hash", 2))
}

/// The digest of `data` in hexadecimal; nothing when the algorithm is not known.
pub(super) fn digest(algorithm: &str, data: &[u8]) -> Option<String> {
    Some(match algorithm {
        "MD5" => hex(&Md5::digest(data)),
        "SHA-1" => hex(&Sha1::digest(data)),
        "SHA-256" => hex(&Sha256::digest(data)),
        "SHA-384" => hex(&Sha384::digest(data)),
        "SHA-512" => hex(&Sha512::digest(data)),
        _ => return None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse(args: &[JValue]) -> Answer {
    if is_missing(args, 0) {
        return Ok(JValue::Undefined);
    }
    let value: Value = serde_json::from_str(text("parse", args, 0)?)
        .map_err(|error| failure(format!("D3050: The string is not JSON: {error}")))?;
    Ok(to_jvalue(&value))
}

fn pad(args: &[JValue]) -> Answer {
    if is_missing(args, 0) {
        return Ok(JValue::Undefined);
    }
    let source = text("pad", args, 0)?;
    let width = number("pad", args, 1)?;
    if width.abs() > MAX_MADE {
        return Err(failure("D2015: $pad would make a text that is too long"));
    }
    let filler = if is_missing(args, 2) {
        " "
    } else {
        text("pad", args, 2)?
    };
    let filler = if filler.is_empty() { " " } else { filler };
    let missing = (width.abs() as usize).saturating_sub(source.chars().count());
    let padding: String = filler.chars().cycle().take(missing).collect();
    Ok(JValue::string(if width > 0.0 {
        format!("{source}{padding}")
    } else {
        format!("{padding}{source}")
    }))
}

fn draw(args: &[JValue], entropy: &Arc<dyn Entropy>) -> Answer {
    let bits = if is_missing(args, 0) {
        entropy.next_u64() >> 11
    } else {
        seeded(number("random", args, 0)? as i64)
    };
    // 53 bits, which a float holds exactly.
    Ok(JValue::from_f64(bits as f64 / (1_u64 << 53) as f64))
}

/// 53 bits from `java.util.Random`, so that one seed always gives one number.
pub(super) fn seeded(seed: i64) -> u64 {
    const MULTIPLIER: u64 = 0x5_DEEC_E66D;
    const MASK: u64 = (1 << 48) - 1;
    let mut state = (seed.cast_unsigned() ^ MULTIPLIER) & MASK;
    let mut next = |bits: u32| {
        state = state.wrapping_mul(MULTIPLIER).wrapping_add(0xB) & MASK;
        state >> (48 - bits)
    };
    (next(26) << 27) + next(27)
}

fn format_now(now: Time, args: &[JValue]) -> Answer {
    if is_missing(args, 0) {
        return Ok(JValue::string(now.to_string()));
    }
    let mut context = Context::new();
    context.bind("millis".to_owned(), JValue::from_i64(now.0));
    context.bind("picture".to_owned(), args[0].clone());
    let zone = args.get(1).cloned().unwrap_or(JValue::Undefined);
    context.bind("zone".to_owned(), zone);
    let ast = parser::parse("$fromMillis($millis, $picture, $zone)")
        .map_err(|error| failure(error.to_string()))?;
    Evaluator::with_context(context).evaluate(&ast, &JValue::Undefined)
}
