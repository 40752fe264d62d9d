"""What starts jobs when their time comes. A new scheduler is a module here."""
