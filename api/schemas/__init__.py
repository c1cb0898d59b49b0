"""What HTTP takes and gives, one file per noun. Unknown fields are refused."""
