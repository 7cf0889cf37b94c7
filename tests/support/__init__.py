"""What tests share: who drives a runtime, who waits, who makes rows and services."""
