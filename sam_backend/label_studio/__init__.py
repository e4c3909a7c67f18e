"""The wire of Label Studio, without a server: what it sends made into prompts, masks made into what it shows."""
