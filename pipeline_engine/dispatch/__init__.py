"""What goes to Celery after a commit, and what a message says; a hint only, the rows decide."""
