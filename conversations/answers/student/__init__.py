"""The student: a small classifier of intent and flags, distilled from the labels of the big model and the staff."""
