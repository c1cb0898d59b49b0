"""What people look at beside the queue: the console's lists, offers for forms, and analytics."""
