"""What survives when processes are killed: a load on the whole service, blows, and an account of every answer."""
