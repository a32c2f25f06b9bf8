"""Onboarding traffic with ground truth and scripted attacks; nobody in it exists."""
