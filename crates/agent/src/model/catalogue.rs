//! What is known of well-known models: limits, prices, how they reason.
//!
//! Small on purpose and embedded: an unknown model gets sensible defaults, configuration overrides any of it.

use crate::request::Usage;

/// How a model is asked to reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingStyle {
    /// It does not, or not on request.
    None,
    /// By a budget of tokens.
    Budget,
    /// By an effort word; the model decides how much.
    Adaptive,
    /// By an effort word of Chat Completions.
    Effort,
}

/// Prices in micro-dollars for a thousand tokens, which is dollars for a million times 1,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Prompt tokens.
    pub input: i64,
    /// Answer tokens.
    pub output: i64,
    /// Prompt tokens read from the cache.
    pub cache_read: i64,
    /// Prompt tokens written to the cache.
    pub cache_write: i64,
}

/// Limits of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelLimits {
    /// Tokens of prompt and answer together.
    pub context: u32,
    /// Tokens of one answer at most.
    pub max_output: u32,
    /// How it reasons.
    pub thinking: ThinkingStyle,
    /// Prices, where they are known.
    pub price: Option<Price>,
}

const fn model(context: u32, max_output: u32, thinking: ThinkingStyle, price: Option<Price>) -> ModelLimits {
    ModelLimits { context, max_output, thinking, price }
}

/// Prices as published: dollars for a million tokens, times 1,000.
const fn anthropic(input: i64, output: i64) -> Price {
    Price { input, output, cache_read: input / 10, cache_write: input * 5 / 4 }
}

const fn openai(input: i64, cache_read: i64, output: i64) -> Price {
    Price { input, output, cache_read, cache_write: input }
}

use ThinkingStyle::{Adaptive, Budget, Effort, None as Plain};

/// Start of the model's name → what is known; the longest start that matches counts.
const TABLE: &[(&str, ModelLimits)] = &[
    ("claude-", model(200_000, 32_000, Budget, None)),
    ("claude-3-5-haiku", model(200_000, 8_192, Plain, Some(anthropic(800, 4_000)))),
    ("claude-3-5-sonnet", model(200_000, 8_192, Plain, Some(anthropic(3_000, 15_000)))),
    ("claude-3-7-sonnet", model(200_000, 64_000, Budget, Some(anthropic(3_000, 15_000)))),
    ("claude-3-haiku", model(200_000, 4_096, Plain, Some(anthropic(250, 1_250)))),
    ("claude-3-opus", model(200_000, 4_096, Plain, Some(anthropic(15_000, 75_000)))),
    ("claude-haiku-4-5", model(200_000, 64_000, Budget, Some(anthropic(1_000, 5_000)))),
    ("claude-opus-4", model(200_000, 32_000, Budget, Some(anthropic(15_000, 75_000)))),
    ("claude-opus-4-5", model(200_000, 64_000, Budget, Some(anthropic(5_000, 25_000)))),
    ("claude-opus-4-6", model(200_000, 128_000, Adaptive, Some(anthropic(5_000, 25_000)))),
    ("claude-opus-4-7", model(200_000, 128_000, Adaptive, Some(anthropic(5_000, 25_000)))),
    ("claude-sonnet-4", model(200_000, 64_000, Budget, Some(anthropic(3_000, 15_000)))),
    ("claude-sonnet-4-6", model(200_000, 64_000, Adaptive, Some(anthropic(3_000, 15_000)))),
    ("deepseek-", model(128_000, 8_192, Plain, None)),
    ("gpt-4.1", model(1_047_576, 32_768, Plain, Some(openai(2_000, 500, 8_000)))),
    ("gpt-4.1-mini", model(1_047_576, 32_768, Plain, Some(openai(400, 100, 1_600)))),
    ("gpt-4o", model(128_000, 16_384, Plain, Some(openai(2_500, 1_250, 10_000)))),
    ("gpt-4o-mini", model(128_000, 16_384, Plain, Some(openai(150, 75, 600)))),
    ("gpt-5", model(400_000, 128_000, Effort, Some(openai(1_250, 125, 10_000)))),
    ("gpt-5-mini", model(400_000, 128_000, Effort, Some(openai(250, 25, 2_000)))),
    ("gpt-5-nano", model(400_000, 128_000, Effort, Some(openai(50, 5, 400)))),
    ("gpt-oss", model(131_072, 32_768, Effort, None)),
    ("o1", model(200_000, 100_000, Effort, Some(openai(15_000, 7_500, 60_000)))),
    ("o3", model(200_000, 100_000, Effort, Some(openai(2_000, 500, 8_000)))),
    ("o3-mini", model(200_000, 100_000, Effort, Some(openai(1_100, 550, 4_400)))),
    ("o4-mini", model(200_000, 100_000, Effort, Some(openai(1_100, 275, 4_400)))),
    ("gemini-2.5", model(1_048_576, 65_536, Effort, None)),
    ("grok-", model(131_072, 16_384, Plain, None)),
    ("kimi-", model(131_072, 16_384, Plain, None)),
    ("llama", model(131_072, 8_192, Plain, None)),
    ("mistral-", model(131_072, 8_192, Plain, None)),
    ("qwen", model(131_072, 8_192, Plain, None)),
];

/// What an unknown model is taken to be able to.
const UNKNOWN: ModelLimits = model(128_000, 8_192, Plain, None);

impl ModelLimits {
    /// What is known of a model by its name; a prefix like `meta/` before the name is ignored.
    pub fn of(model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        TABLE
            .iter()
            .filter(|(start, _)| name.starts_with(start))
            .max_by_key(|(start, _)| start.len())
            .map_or(UNKNOWN, |(_, limits)| *limits)
    }

    /// The bound on an answer when none is configured: what the model can, at most 32,000 tokens.
    pub fn default_max_tokens(&self) -> u32 {
        self.max_output.min(32_000)
    }

    /// Cost of a request in micro-dollars, where prices are known.
    pub fn cost_micros(&self, usage: &Usage) -> Option<i64> {
        let price = self.price?;
        let total = usage.input * price.input
            + usage.output * price.output
            + usage.cache_read * price.cache_read
            + usage.cache_write * price.cache_write;
        Some(total / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_start_counts_and_unknown_models_get_defaults() {
        assert_eq!(ModelLimits::of("claude-opus-4-5-20251101").max_output, 64_000);
        assert_eq!(ModelLimits::of("claude-opus-4-20250514").max_output, 32_000);
        assert_eq!(ModelLimits::of("openai/gpt-4o-mini").price.map(|p| p.input), Some(150));
        assert_eq!(ModelLimits::of("something").context, 128_000);
    }

    #[test]
    fn costs_are_micro_dollars() {
        let usage = Usage { input: 1_000_000, output: 1_000_000, cache_read: 0, cache_write: 0 };
        assert_eq!(ModelLimits::of("claude-sonnet-4-5").cost_micros(&usage), Some(18_000_000));
    }
}
