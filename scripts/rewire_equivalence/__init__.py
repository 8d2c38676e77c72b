"""Holds multirate mode to full mode: runs both, compares slow trajectories over seeds."""
