"""Live frames from where something happens to the sockets that show it. The only code that speaks Redis pub/sub."""
