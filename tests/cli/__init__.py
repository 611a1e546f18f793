"""The command line, as a user and as cron meet it: processes, a real keyring, Zoho on a real port."""
