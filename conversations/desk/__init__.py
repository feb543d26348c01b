"""Staff pages in the admin: escalations, conversations, customers, playbook."""
