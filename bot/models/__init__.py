"""Language models: one file each. `bot.ports.Model` is the contract."""
