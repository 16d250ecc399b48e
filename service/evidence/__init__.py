"""Pure evidence: findings to graded UMN and LMN indicators."""
