"""What the bot knows: intents, examples, shop facts, and the prompt made of them."""
