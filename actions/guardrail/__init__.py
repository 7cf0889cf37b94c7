"""The long work behind the guardrail deployment wizard: onboarding and cluster recommendation."""
