"""What people see: pages made here, by templates; the browser adds keys and news, and nothing that is needed."""
