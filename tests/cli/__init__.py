"""The command line as users and cron run it: processes, a real keyring, Zoho on a real port."""
