"""The world outside: HTTP requests and notifications."""
