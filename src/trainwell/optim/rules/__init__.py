"""Update rules as pure functions of stacked tensors, one file each."""
