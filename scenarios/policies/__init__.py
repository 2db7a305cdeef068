"""What the operator decides where no source decides it: kept apart from the packs, and named as policy in results."""
