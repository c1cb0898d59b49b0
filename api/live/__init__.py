"""Live events: one feed per account, its streams over SSE and WebSocket, and who is there."""
