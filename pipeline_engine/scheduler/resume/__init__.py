"""What a parked or waiting step goes on with: an event, a timer, a join, a clean-up."""
