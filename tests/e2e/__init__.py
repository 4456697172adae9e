"""The installed command from the outside, against real servers, with an account of every event."""
