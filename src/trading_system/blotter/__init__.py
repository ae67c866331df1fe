"""What we ask and own: tickets, facts, orders, positions, and a decision's view of them."""
