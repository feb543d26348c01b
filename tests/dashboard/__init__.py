"""The front page's figures, the rollout's and budgets' pages, Prometheus and Grafana."""
