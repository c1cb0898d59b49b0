"""Programs of the account's own, told by signed POSTs: followers of events, and callbacks."""
